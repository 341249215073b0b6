#define _GNU_SOURCE /* sched_getaffinity */

#include "record/writer.h"

#include <hdf5.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "base/arena.h"
#include "record/recorder.h"

struct writer {
    struct recorder *recorder;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct table_chunk *waiting[WRITER_WAITING]; /* the oldest first */
    size_t count;
    bool at_work, ending;
    struct error error; /* of the first chunk that could not be written */
};

bool writer_is_of_use(void) {
    cpu_set_t processors;
    hbool_t threadsafe = false;
    return sched_getaffinity(0, sizeof processors, &processors) == 0 && CPU_COUNT(&processors) > 1 &&
           H5is_library_threadsafe(&threadsafe) >= 0 && threadsafe;
}

static struct table_chunk *take(struct writer *w) {
    while (w->count == 0 && !w->ending) {
        pthread_cond_wait(&w->changed, &w->lock);
    }
    if (w->count == 0) {
        return NULL;
    }
    struct table_chunk *chunk = w->waiting[0];
    w->count--;
    for (size_t i = 0; i < w->count; i++) {
        w->waiting[i] = w->waiting[i + 1];
    }
    w->at_work = true;
    pthread_cond_broadcast(&w->changed);
    return chunk;
}

static void *work(void *context) {
    struct writer *w = context;
    struct table_chunk *chunk;
    hdf5_quiet(); /* is each thread's own affair */
    pthread_mutex_lock(&w->lock);
    while ((chunk = take(w))) {
        struct error err = w->error;
        pthread_mutex_unlock(&w->lock);
        if (!error_is_set(&err) && !table_chunk_write(chunk)) {
            recorder_tell_failure(w->recorder, &err);
        }
        pthread_mutex_lock(&w->lock);
        w->error = err;
        table_chunk_give_back(chunk);
        w->at_work = false;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Signals are the first thread's. */
struct writer *writer_start(struct recorder *r) {
    struct writer *w = mem_zalloc(1, sizeof *w);
    sigset_t all, before;
    w->recorder = r;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&w->thread, NULL, work, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!started) {
        free(w);
        return NULL;
    }
    return w;
}

bool writer_give(struct writer *w, struct table_chunk *chunk, struct error *err) {
    pthread_mutex_lock(&w->lock);
    while (w->count == WRITER_WAITING) {
        pthread_cond_wait(&w->changed, &w->lock);
    }
    bool good = !error_is_set(&w->error);
    if (good) {
        w->waiting[w->count++] = chunk;
        pthread_cond_broadcast(&w->changed);
    } else {
        *err = w->error;
    }
    pthread_mutex_unlock(&w->lock);
    return good;
}

struct table_chunk *writer_take_back(struct writer *w, struct table_chunk **spare) {
    pthread_mutex_lock(&w->lock);
    struct table_chunk *chunk = *spare;
    *spare = NULL;
    pthread_mutex_unlock(&w->lock);
    return chunk;
}

void writer_settle(struct writer *w) {
    pthread_mutex_lock(&w->lock);
    while (w->count > 0 || w->at_work) {
        pthread_cond_wait(&w->changed, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
}

bool writer_check(const struct writer *w, struct error *err) {
    if (error_is_set(&w->error)) {
        *err = w->error;
        return false;
    }
    return true;
}

void writer_end(struct writer *w) {
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
