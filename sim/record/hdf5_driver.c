/* A file driver for HDF5 that survives a full disk. With the library's own, a failed write leaves a file that
 * can be neither flushed nor closed; the library tries again at the end of the process and crashes there.
 * This one notes the first failure where its owner looks, and from then on lets every write seem to succeed,
 * so that the file can be closed and thrown away. Otherwise it is the plain POSIX driver. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/hdf5_io.h"

struct driven_file {
    H5FD_t base; /* must come first */
    int fd;
    haddr_t end_of_addresses; /* what HDF5 has given out */
    haddr_t end_of_file;
    int *failure;
};

static struct driven_file *driven(H5FD_t *file) {
    return (struct driven_file *)(void *)file;
}

static const struct driven_file *driven_const(const H5FD_t *file) {
    return (const struct driven_file *)(const void *)file;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t maxaddr) {
    int *const *failure = H5Pget_driver_info(access);
    (void)maxaddr;
    (void)flags; /* results are made anew, never changed */
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        **failure = errno;
        return NULL;
    }
    struct driven_file *f = mem_zalloc(1, sizeof *f);
    f->fd = fd;
    f->failure = *failure;
    return &f->base;
}

static herr_t driver_close(H5FD_t *file) {
    struct driven_file *f = driven(file);
    if (close(f->fd) != 0 && *f->failure == 0) {
        *f->failure = errno;
    }
    free(f);
    return 0;
}

static int driver_compare(const H5FD_t *a, const H5FD_t *b) {
    int x = driven_const(a)->fd;
    int y = driven_const(b)->fd;
    return x < y ? -1 : x > y;
}

static herr_t driver_query(const H5FD_t *file, unsigned long *flags) {
    (void)file;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return driven_const(file)->end_of_addresses;
}

static herr_t driver_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
    (void)type;
    driven(file)->end_of_addresses = address;
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return driven_const(file)->end_of_file;
}

/* What lies beyond the end reads as zeros. */
static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t bytes,
                          void *into) {
    (void)type;
    (void)transfer;
    for (char *at = into; bytes;) {
        ssize_t n = pread(driven(file)->fd, at, bytes, (off_t)address);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            memset(at, 0, bytes);
            return 0;
        }
        at += n;
        address += (haddr_t)n;
        bytes -= (size_t)n;
    }
    return 0;
}

static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t bytes,
                           const void *from) {
    struct driven_file *f = driven(file);
    (void)type;
    (void)transfer;
    haddr_t end = address + bytes;
    for (const char *at = from; bytes && *f->failure == 0;) {
        ssize_t n = pwrite(f->fd, at, bytes, (off_t)address);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            *f->failure = n < 0 ? errno : ENOSPC;
            break;
        }
        at += n;
        address += (haddr_t)n;
        bytes -= (size_t)n;
    }
    f->end_of_file = end > f->end_of_file ? end : f->end_of_file;
    return 0;
}

static herr_t driver_truncate(H5FD_t *file, hid_t transfer, hbool_t closing) {
    struct driven_file *f = driven(file);
    (void)transfer;
    (void)closing;
    if (f->end_of_file != f->end_of_addresses && *f->failure == 0 &&
        ftruncate(f->fd, (off_t)f->end_of_addresses) != 0) {
        *f->failure = errno;
    }
    f->end_of_file = f->end_of_addresses;
    return 0;
}

static const H5FD_class_t driver = {
    .name = "drydock",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_WEAK,
    .fapl_size = sizeof(int *),
    .open = driver_open,
    .close = driver_close,
    .cmp = driver_compare,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

/* Registered once: the library would still look at the driver after letting go of it with its last file. */
static hid_t driver_id(void) {
    static hid_t id = H5I_INVALID_HID;
    if (id < 0 || H5Iget_type(id) != H5I_VFL) {
        id = H5FDregister(&driver);
    }
    return id;
}

/* The version bound keeps the file readable by every HDF5 since 1.8 and its bytes the same whichever library
 * wrote it. */
hid_t hdf5_create_file(const char *path, int *failure) {
    hid_t registered = driver_id();
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_driver(access, registered, &failure);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    H5Pset_obj_track_times(creation, false);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    hdf5_drop(creation);
    hdf5_drop(access);
    return file;
}
