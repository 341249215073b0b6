/* sim/engine/platform_file.h: a platform as a file that SimGrid can open; for this room's own files. */
#ifndef DRYDOCK_ENGINE_PLATFORM_FILE_H
#define DRYDOCK_ENGINE_PLATFORM_FILE_H

#include "engine/platform.h"

/* The user's file, or the generated XML in memory under a name that only this process can open. */
struct platform_xml_file {
    const char *path;
    int fd; /* -1: the user's own */
    char name[32];
};

bool platform_xml_open(const struct platform *p, struct platform_xml_file *file, struct error *err);
void platform_xml_close(struct platform_xml_file *file);

/* What a probe learns of an xml_file, host by host and pair by pair (rows are `from`). The arrays hold
 * host_count and host_count^2 elements; latency is infinity where there is no route. */
struct platform_survey {
    double *disk_read_bytes_per_s, *disk_write_bytes_per_s;
    double *route_latency_s, *route_bandwidth_bytes_per_s;
};

/* platform_probe; fills `survey` when it is not NULL. */
bool platform_survey(const struct platform *p, const struct platform_survey *survey, struct error *err);

#endif
