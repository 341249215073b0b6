#include "record/hdf5_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file that could not be flushed to a full disk cannot be closed either, and the library's own clean-up at
 * exit then walks into it and crashes. Whatever we write is closed by us before its name is given. */
/* What the library said of the first call that failed since hdf5_quiet() or hdf5_failed(). Its own stack is
 * emptied by the next call, and what follows a failure is closing things. */
static _Thread_local char first_failure[160];

static herr_t note_innermost(unsigned n, const H5E_error2_t *record, void *into) {
    (void)into;
    if (n == 0 && record->desc) {
        snprintf(first_failure, sizeof first_failure, "%s", record->desc);
    }
    return 0;
}

static herr_t note_failure(hid_t stack, void *context) {
    (void)context;
    if (!*first_failure) {
        H5Ewalk2(stack, H5E_WALK_UPWARD, note_innermost, NULL);
    }
    return 0;
}

void hdf5_quiet(void) {
    *first_failure = '\0';
    H5Eset_auto2(H5E_DEFAULT, note_failure, NULL);
}

bool hdf5_failed(struct error *err, enum error_code code, const char *file, const char *what) {
    struct position pos = {.file = file};
    error_at(err, code, &pos, NULL, "%s%s%s", what, *first_failure ? ": HDF5 says: " : "", first_failure);
    *first_failure = '\0';
    return false;
}

void hdf5_drop(hid_t id) {
    if (id < 0) {
        return;
    }
    switch (H5Iget_type(id)) {
    case H5I_GROUP:
        H5Gclose(id);
        break;
    case H5I_DATASET:
        H5Dclose(id);
        break;
    case H5I_DATASPACE:
        H5Sclose(id);
        break;
    case H5I_DATATYPE:
        H5Tclose(id);
        break;
    case H5I_ATTR:
        H5Aclose(id);
        break;
    case H5I_GENPROP_LST:
        H5Pclose(id);
        break;
    case H5I_FILE:
        H5Fclose(id);
        break;
    default:
        break;
    }
}

hid_t hdf5_group_properties(void) {
    hid_t p = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(p, false);
    H5Pset_link_creation_order(p, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    return p;
}

hid_t hdf5_dataset_properties(void) {
    hid_t p = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(p, false);
    H5Pset_fill_time(p, H5D_FILL_TIME_NEVER);
    return p;
}

/* One step of a path. The library's own making of intermediate groups would put dates into them. */
static hid_t open_or_make(hid_t at, const char *name) {
    if (H5Lexists(at, name, H5P_DEFAULT) > 0) {
        return H5Gopen2(at, name, H5P_DEFAULT);
    }
    hid_t p = hdf5_group_properties();
    hid_t group = H5Gcreate2(at, name, H5P_DEFAULT, p, H5P_DEFAULT);
    hdf5_drop(p);
    return group;
}

hid_t hdf5_group(hid_t at, const char *path) {
    char part[256];
    hid_t here = H5Gopen2(at, ".", H5P_DEFAULT);
    while (here >= 0 && *path) {
        size_t n = strcspn(path, "/");
        if (n >= sizeof part) {
            hdf5_drop(here);
            return H5I_INVALID_HID;
        }
        if (n) {
            memcpy(part, path, n);
            part[n] = '\0';
            hid_t next = open_or_make(here, part);
            hdf5_drop(here);
            here = next;
        }
        path += n + (path[n] == '/');
    }
    return here;
}

/* A text type of `width` bytes, or of variable length (H5T_VARIABLE). */
static hid_t text_type(size_t width) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width);
    H5Tset_cset(type, H5T_CSET_UTF8);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    return type;
}

/* Variable length, because h5py gives such an attribute as str and a fixed one as bytes. */
bool hdf5_text_attribute(hid_t at, const char *name, const char *text) {
    hid_t type = text_type(H5T_VARIABLE);
    H5Tset_strpad(type, H5T_STR_NULLTERM);
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t a = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool done = a >= 0 && H5Awrite(a, type, &text) >= 0;
    hdf5_drop(a);
    hdf5_drop(space);
    hdf5_drop(type);
    return done;
}

static bool number_attribute(hid_t at, const char *name, hid_t type, const void *value) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t a = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool done = a >= 0 && H5Awrite(a, type, value) >= 0;
    hdf5_drop(a);
    hdf5_drop(space);
    return done;
}

bool hdf5_double_attribute(hid_t at, const char *name, double value) {
    return number_attribute(at, name, H5T_IEEE_F64LE, &value);
}

bool hdf5_u64_attribute(hid_t at, const char *name, uint64_t value) {
    return number_attribute(at, name, H5T_STD_U64LE, &value);
}

static bool write_texts(hid_t at, const char *name, size_t width, hid_t space, const char *bytes) {
    hid_t type = text_type(width);
    hid_t p = hdf5_dataset_properties();
    hid_t d = H5Dcreate2(at, name, type, space, H5P_DEFAULT, p, H5P_DEFAULT);
    bool done = d >= 0 && (H5Sget_simple_extent_npoints(space) == 0 ||
                           H5Dwrite(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0);
    hdf5_drop(d);
    hdf5_drop(p);
    hdf5_drop(type);
    return done;
}

bool hdf5_text(hid_t at, const char *name, const char *text) {
    hid_t space = H5Screate(H5S_SCALAR);
    size_t length = strlen(text);
    bool done = write_texts(at, name, length ? length : 1, space, text); /* "" is one NUL of padding */
    hdf5_drop(space);
    return done;
}

bool hdf5_texts(hid_t at, const char *name, const char *const *texts, size_t count) {
    size_t width = 1;
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(texts[i]);
        width = n > width ? n : width;
    }
    char *bytes = mem_zalloc(count ? count : 1, width);
    for (size_t i = 0; i < count; i++) {
        memcpy(bytes + i * width, texts[i], strlen(texts[i]));
    }
    hsize_t rows = count;
    hid_t space = H5Screate_simple(1, &rows, NULL);
    bool done = write_texts(at, name, width, space, bytes);
    hdf5_drop(space);
    free(bytes);
    return done;
}

/* Reads one text, of fixed or variable length, through either an attribute or a dataset. */
static const char *read_scalar(hid_t id, hid_t type, hid_t space, bool attribute, struct arena *arena) {
    if (type < 0 || H5Tget_class(type) != H5T_STRING || H5Sget_simple_extent_npoints(space) != 1) {
        return NULL;
    }
    size_t width = H5Tget_size(type);
    bool variable = H5Tis_variable_str(type) > 0;
    if (!variable && (width == 0 || width > HDF5_TEXT_BYTES_MAX)) {
        return NULL;
    }
    char *pointer = NULL;
    char *bytes = variable ? NULL : arena_alloc(arena, width + 1);
    void *into = variable ? (void *)&pointer : (void *)bytes;
    herr_t done =
        attribute ? H5Aread(id, type, into) : H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, into);
    if (done < 0) {
        return NULL;
    }
    if (variable) {
        bytes = arena_strdup(arena, pointer ? pointer : "");
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, &pointer);
    }
    return bytes;
}

const char *hdf5_read_text_attribute(hid_t at, const char *name, struct arena *arena) {
    if (H5Aexists(at, name) <= 0) {
        return NULL;
    }
    hid_t a = H5Aopen(at, name, H5P_DEFAULT);
    if (a < 0) {
        return NULL;
    }
    hid_t type = H5Aget_type(a);
    hid_t space = H5Aget_space(a);
    const char *text = read_scalar(a, type, space, true, arena);
    hdf5_drop(space);
    hdf5_drop(type);
    hdf5_drop(a);
    return text;
}

bool hdf5_read_double_attribute(hid_t at, const char *name, double *value) {
    if (H5Aexists(at, name) <= 0) {
        return false;
    }
    hid_t a = H5Aopen(at, name, H5P_DEFAULT);
    hid_t space = a >= 0 ? H5Aget_space(a) : H5I_INVALID_HID;
    bool done =
        space >= 0 && H5Sget_simple_extent_npoints(space) == 1 && H5Aread(a, H5T_NATIVE_DOUBLE, value) >= 0;
    hdf5_drop(space);
    hdf5_drop(a);
    return done;
}

const char *hdf5_read_text(hid_t at, const char *name, struct arena *arena) {
    hid_t d = H5Dopen2(at, name, H5P_DEFAULT);
    if (d < 0) {
        return NULL;
    }
    hid_t type = H5Dget_type(d);
    hid_t space = H5Dget_space(d);
    const char *text = read_scalar(d, type, space, false, arena);
    hdf5_drop(space);
    hdf5_drop(type);
    hdf5_drop(d);
    return text;
}
