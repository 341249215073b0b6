/* Runs a scenario through libdrydock and prints its summary:
 *
 *     cc docs/examples/run.c $(pkg-config --cflags --libs drydock) -o run-example
 *     ./run-example scenarios/quickstart
 */
#include <drydock.h>
#include <stdio.h>

int main(int argc, char **argv) {
    struct dd_run_options options = {
        .scenario = argc > 1 ? argv[1] : "scenarios/quickstart", .out = "", .seed = 1};
    struct dd_error error = {0};
    char *summary = NULL;
    if (!dd_run(&options, &summary, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return error.code;
    }
    fputs(summary, stdout);
    dd_free(summary);
    return 0;
}
