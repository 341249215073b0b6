/* Objects, files and folders. Cases of single documents are text, in tests/cases/manifests/workloads.cases.
 */
#include "manifest_dump.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of the test's own, removed at the end of each test. */
struct folder {
    char path[64];
    struct arena arena;
    struct notices notices;
    struct manifests manifests;
    struct error err;
    char text[2048];
};

static int make_folder(void **state) {
    struct folder *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return -1;
    }
    snprintf(f->path, sizeof f->path, "/tmp/drydock-manifest-test-XXXXXX");
    if (mkdtemp(f->path) == NULL) {
        free(f);
        return -1;
    }
    arena_init(&f->arena);
    f->notices.arena = &f->arena;
    *state = f;
    return 0;
}

static int remove_folder(void **state) {
    struct folder *f = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", f->path);
    arena_free(&f->arena);
    int code = system(command);
    free(f);
    return code;
}

static void put_file(struct folder *f, const char *name, const char *text) {
    char *path = path_join(&f->arena, f->path, name);
    struct error err = {0};
    assert_true(file_make_directory(path_directory(&f->arena, path), &err));
    assert_true(file_write(path, text, strlen(text), &err));
}

/* False with f->text. */
static bool load_path(struct folder *f, const char *path) {
    bool good = manifests_load(path, &f->manifests, &f->arena, &f->notices, &f->err) &&
                manifests_finish(&f->manifests, &f->arena, &f->notices, &f->err);
    f->text[0] = '\0';
    if (!good) {
        assert_int_equal(f->err.code, ERROR_INVALID);
        error_text(&f->err, f->text, sizeof f->text);
    }
    return good;
}

/* The folder or a file of it. */
static bool load(struct folder *f, const char *name) {
    return load_path(f, *name == '\0' ? f->path : path_join(&f->arena, f->path, name));
}

#define CONFIG_MAP(name) "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " name "}\n"

static void a_folder_is_read_in_byte_order_whatever_its_depth(void **state) {
    struct folder *f = *state;
    put_file(f, "b.yaml", CONFIG_MAP("three"));
    put_file(f, "a/z.yml", CONFIG_MAP("one"));
    put_file(f, "a.json",
             "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"two\"}}");
    put_file(f, "README.md", "not: [a manifest");
    put_file(f, ".hidden.yaml", "not: [a manifest");
    put_file(f, ".git/x.yaml", "not: [a manifest");
    assert_true(load(f, ""));
    assert_int_equal(f->manifests.object_count, 3);
}

static void a_folder_without_manifests_is_refused(void **state) {
    struct folder *f = *state;
    put_file(f, "README.md", "x");
    assert_false(load(f, ""));
    assert_non_null(strstr(f->text, "got none"));
}

static void a_missing_file_is_refused(void **state) {
    struct folder *f = *state;
    assert_false(load(f, "nowhere.yaml"));
    assert_non_null(strstr(f->text, "nowhere.yaml"));
}

static void a_loop_of_links_ends(void **state) {
    struct folder *f = *state;
    put_file(f, "a.yaml", CONFIG_MAP("one"));
    assert_int_equal(symlink(".", path_join(&f->arena, f->path, "again")), 0);
    assert_false(load(f, ""));
    assert_non_null(strstr(f->text, "nested"));
}

static void duplicates_across_files_name_both(void **state) {
    struct folder *f = *state;
    put_file(f, "a.yaml", CONFIG_MAP("one"));
    put_file(f, "b.yaml", "\n" CONFIG_MAP("one"));
    assert_false(load(f, ""));
    assert_non_null(strstr(f->text, "b.yaml:2:1"));
    assert_non_null(strstr(f->text, "a.yaml:1"));
}

static void a_chart_says_to_render_first(void **state) {
    struct folder *f = *state;
    put_file(f, "chart/Chart.yaml", "name: x\n");
    put_file(f, "chart/templates/a.yaml", "a: {{ .Values.x }}\n");
    assert_false(load(f, ""));
    assert_non_null(strstr(f->text, "Chart.yaml"));
    assert_non_null(strstr(f->text, "helm template"));
}

static void a_kustomization_says_to_build_first(void **state) {
    struct folder *f = *state;
    put_file(f, "a.yaml", CONFIG_MAP("one"));
    put_file(f, "kustomization.yaml", "resources: [a.yaml]\n");
    assert_false(load(f, ""));
    assert_non_null(strstr(f->text, "kustomize build"));
}

static void a_kustomization_by_content_is_told_too(void **state) {
    struct folder *f = *state;
    put_file(f, "k.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n");
    assert_false(load(f, "k.yaml"));
    assert_non_null(strstr(f->text, "kustomize build"));
}

static void template_braces_are_located(void **state) {
    struct folder *f = *state;
    put_file(f, "t.yaml", "# {{ a comment }}\napiVersion: v1\n{{- if .Values.x }}\nkind: X\n{{- end }}\n");
    assert_false(load(f, "t.yaml"));
    assert_non_null(strstr(f->text, "t.yaml:3:1"));
    assert_non_null(strstr(f->text, "helm template"));
}

static void template_braces_in_quotes_are_told_when_helm_wrote_them(void **state) {
    struct folder *f = *state;
    put_file(f, "t.yaml", "apiVersion: v1\nkind: X\nmetadata: {name: \"{{ .Release.Name }}\"}\n");
    assert_false(load(f, "t.yaml"));
    assert_non_null(strstr(f->text, "t.yaml:3:19"));
}

static void braces_of_other_programs_are_text(void **state) {
    struct folder *f = *state;
    put_file(f, "t.yaml", CONFIG_MAP("one") "data: {rule: \"{{ $labels.pod }} {{args.service}}\"}\n");
    assert_true(load(f, "t.yaml"));
}

static void values_of_a_chart_are_told(void **state) {
    struct folder *f = *state;
    put_file(f, "values.yaml", "replicaCount: 1\nimage: {tag: x}\n");
    assert_false(load(f, "values.yaml"));
    assert_non_null(strstr(f->text, "helm template"));
}

static void an_empty_file_is_refused(void **state) {
    struct folder *f = *state;
    put_file(f, "e.yaml", "# nothing\n---\n");
    assert_false(load(f, "e.yaml"));
    assert_non_null(strstr(f->text, "at least one Kubernetes object"));
}

static void order_of_files_changes_nothing(void **state) {
    struct folder *f = *state;
    static const char *const object =
        "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: 1}]}\n";
    put_file(f, "1.yaml", arena_printf(&f->arena, object, "zz"));
    put_file(f, "2.yaml", arena_printf(&f->arena, object, "aa"));
    assert_true(load(f, ""));
    assert_string_equal(f->manifests.services[0].name, "aa");
    assert_string_equal(yaml_path(f->manifests.trees[0], "metadata.name")->text, "aa");
    assert_string_equal(f->manifests.services[1].name, "zz");
}

/* Public manifests: each loads or says why not, at a line of it. */
static void every_public_manifest_loads_or_says_why(void **state) {
    struct folder *f = *state;
    const char *data = getenv("DATA") != NULL ? getenv("DATA") : "../shared";
    char *folder = path_join(&f->arena, data, "manifests");
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        print_message("# %s is not there\n", folder);
        skip();
    }
    int loaded = 0;
    int refused = 0;
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (!str_ends_with(e->d_name, ".yaml")) {
            continue;
        }
        memset(&f->manifests, 0, sizeof f->manifests);
        memset(&f->err, 0, sizeof f->err);
        bool good = load_path(f, path_join(&f->arena, folder, e->d_name));
        loaded += good;
        refused += !good;
        assert_true(good || (f->err.line > 0 && f->err.hint[0] != '\0'));
    }
    closedir(dir);
    assert_true(loaded >= 12);
    assert_true(refused <= 1); /* a template with <placeholders> */
}

#define ADD_FOLDER_TEST(function) add_folder_test(#function, function)

static void add_folder_test(const char *name, CMUnitTestFunction function) {
    add_test(name, function, NULL);
    case_set.tests[case_set.count - 1].setup_func = make_folder;
    case_set.tests[case_set.count - 1].teardown_func = remove_folder;
}

int main(void) {
    add_cases("tests/cases/manifests/workloads.cases", dump_manifests);
    ADD_FOLDER_TEST(a_folder_is_read_in_byte_order_whatever_its_depth);
    ADD_FOLDER_TEST(a_folder_without_manifests_is_refused);
    ADD_FOLDER_TEST(a_missing_file_is_refused);
    ADD_FOLDER_TEST(a_loop_of_links_ends);
    ADD_FOLDER_TEST(duplicates_across_files_name_both);
    ADD_FOLDER_TEST(a_chart_says_to_render_first);
    ADD_FOLDER_TEST(a_kustomization_says_to_build_first);
    ADD_FOLDER_TEST(a_kustomization_by_content_is_told_too);
    ADD_FOLDER_TEST(template_braces_are_located);
    ADD_FOLDER_TEST(template_braces_in_quotes_are_told_when_helm_wrote_them);
    ADD_FOLDER_TEST(braces_of_other_programs_are_text);
    ADD_FOLDER_TEST(values_of_a_chart_are_told);
    ADD_FOLDER_TEST(an_empty_file_is_refused);
    ADD_FOLDER_TEST(order_of_files_changes_nothing);
    ADD_FOLDER_TEST(every_public_manifest_loads_or_says_why);
    return run_all_tests("manifest");
}
