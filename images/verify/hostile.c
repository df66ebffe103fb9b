/*
 * hostile.c — LD_PRELOAD: folders are read in another order than the file system's, and the clock on the wall is ahead by
 * KDOCK_CLOCK_AHEAD seconds.
 *
 * libfaketime would not do for the clock: a child that is forked while another thread asks for the time hangs in it, it
 * leaves semaphores in /dev/shm on older Debians, and it dates files by the false clock, which puts make out of step.
 *
 * The order is a hash of the seed (KDOCK_SHUFFLE_SEED) and the name, so that it is the same on every machine and
 * every run, and another one for every seed. A folder is read whole at the first readdir(); what telldir() tells is a
 * place in that list. Programs that sort, and glibc's own glob() and ftw(), which do not come by here, see no change.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

/* readdir() and readdir64() are one function where these are the same, which is so on every 64-bit machine. */
_Static_assert(sizeof(struct dirent) == sizeof(struct dirent64), "64-bit file offsets only");

typedef struct dirent entry;
typedef int (*compare)(const entry **, const entry **);
typedef int (*choose)(const entry *);

/* What is left of a folder's DIR: its entries in the new order. */
struct listing {
  DIR *dir;
  entry **entries;
  size_t count, next;
  int error; /* what the last real readdir() left in errno */
  struct listing *link;
};

enum { BUCKETS = 64 };
static struct listing *listings[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t seed = 1;
static time_t ahead;

static entry *(*real_readdir)(DIR *);
static int (*real_closedir)(DIR *);
static void (*real_rewinddir)(DIR *);
static int (*real_scandir)(const char *, entry ***, choose, compare);
static int (*real_scandirat)(int, const char *, entry ***, choose, compare);
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_cond_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static int (*real_mutex_timedlock)(pthread_mutex_t *, const struct timespec *);
static int (*real_sem_timedwait)(sem_t *, const struct timespec *);
static int (*real_clock_nanosleep)(clockid_t, int, const struct timespec *, struct timespec *);

/* A child of a threaded program must not inherit a lock that a thread it does not have holds. */
static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork(void) { pthread_mutex_unlock(&lock); }

static void find_real_functions(void) {
  *(void **)&real_readdir = dlsym(RTLD_NEXT, "readdir64");
  *(void **)&real_closedir = dlsym(RTLD_NEXT, "closedir");
  *(void **)&real_rewinddir = dlsym(RTLD_NEXT, "rewinddir");
  *(void **)&real_scandir = dlsym(RTLD_NEXT, "scandir64");
  *(void **)&real_scandirat = dlsym(RTLD_NEXT, "scandirat64");
  *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  *(void **)&real_mutex_timedlock = dlsym(RTLD_NEXT, "pthread_mutex_timedlock");
  *(void **)&real_sem_timedwait = dlsym(RTLD_NEXT, "sem_timedwait");
  *(void **)&real_clock_nanosleep = dlsym(RTLD_NEXT, "clock_nanosleep");
  /* There are two on x86-64, and dlsym() may well find the one for programs of 2002. */
  *(void **)&real_cond_timedwait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  if (!real_cond_timedwait) *(void **)&real_cond_timedwait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  const char *wanted = getenv("KDOCK_SHUFFLE_SEED"), *seconds = getenv("KDOCK_CLOCK_AHEAD");
  if (wanted) seed = strtoull(wanted, NULL, 10);
  if (seconds) ahead = strtol(seconds, NULL, 10);
  pthread_atfork(before_fork, after_fork, after_fork);
}

/* Another library's constructor may read a folder before ours has run. */
static void ready(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, find_real_functions);
}

__attribute__((constructor)) static void start(void) { ready(); }

/* FNV-1a, then a finalizer, because FNV's high bits hardly depend on a name's last letters. */
static uint64_t rank(const char *name) {
  uint64_t hash = 0xcbf29ce484222325u ^ (seed * 0x9e3779b97f4a7c15u);
  for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
  return hash ^ (hash >> 33);
}

static int by_rank(const void *a, const void *b) {
  const entry *left = *(entry *const *)a, *right = *(entry *const *)b;
  uint64_t first = rank(left->d_name), second = rank(right->d_name);
  if (first != second) return first < second ? -1 : 1;
  return strcmp(left->d_name, right->d_name);
}

static void shuffle(entry **entries, size_t count) {
  if (count > 1) qsort(entries, count, sizeof *entries, by_rank);
}

static struct listing **find(DIR *dir) {
  struct listing **at = &listings[((uintptr_t)dir >> 6) % BUCKETS];
  while (*at && (*at)->dir != dir) at = &(*at)->link;
  return at;
}

static void forget(DIR *dir) {
  pthread_mutex_lock(&lock);
  struct listing **at = find(dir), *gone = *at;
  if (gone) *at = gone->link;
  pthread_mutex_unlock(&lock);
  if (!gone) return;
  while (gone->count) free(gone->entries[--gone->count]);
  free(gone->entries);
  free(gone);
}

/* Reads the rest of the folder. NULL when there is no memory, with errno set. */
static struct listing *read_all(DIR *dir) {
  struct listing *made = calloc(1, sizeof *made);
  size_t room = 0;
  if (!made) return NULL;
  made->dir = dir;
  for (;;) {
    errno = 0;
    entry *one = real_readdir(dir);
    if (!one) break;
    if (made->count == room) {
      room = room ? room * 2 : 32;
      entry **more = realloc(made->entries, room * sizeof *more);
      if (!more) break;
      made->entries = more;
    }
    entry *copy = malloc(sizeof *copy > one->d_reclen ? sizeof *copy : one->d_reclen);
    if (!copy) break;
    memcpy(copy, one, one->d_reclen);
    made->entries[made->count++] = copy;
  }
  made->error = errno;
  shuffle(made->entries, made->count);
  return made;
}

/* The folder's listing, made at the first call. A DIR belongs to one thread at a time, so only the table is locked. */
static struct listing *listing_of(DIR *dir) {
  pthread_mutex_lock(&lock);
  struct listing *known = *find(dir);
  pthread_mutex_unlock(&lock);
  if (known) return known;

  struct listing *made = read_all(dir);
  if (!made) return NULL;
  pthread_mutex_lock(&lock);
  made->link = *find(dir);
  *find(dir) = made;
  pthread_mutex_unlock(&lock);
  return made;
}

entry *readdir(DIR *dir) {
  ready();
  int before = errno;
  struct listing *all = listing_of(dir);
  if (!all) return NULL;
  errno = before;
  if (all->next < all->count) return all->entries[all->next++];
  if (all->error) errno = all->error;
  return NULL;
}

int readdir_r(DIR *dir, entry *into, entry **result) {
  entry *one;
  int before = errno, error;
  errno = 0;
  one = readdir(dir);
  error = errno;
  errno = before;
  *result = NULL;
  if (!one) return error;
  memcpy(into, one, one->d_reclen < sizeof *into ? one->d_reclen : sizeof *into);
  *result = into;
  return 0;
}

long telldir(DIR *dir) {
  ready();
  struct listing *all = listing_of(dir);
  return all ? (long)all->next : -1;
}

void seekdir(DIR *dir, long place) {
  ready();
  struct listing *all = listing_of(dir);
  if (all && place >= 0) all->next = (size_t)place < all->count ? (size_t)place : all->count;
}

void rewinddir(DIR *dir) {
  ready();
  forget(dir);
  real_rewinddir(dir);
}

int closedir(DIR *dir) {
  ready();
  forget(dir);
  return real_closedir(dir);
}

/* Who gives a comparison gets what it asked for; only the unsorted are shuffled. */
static int unsorted(int count, entry ***list, compare order) {
  if (!order && count > 0) shuffle(*list, (size_t)count);
  return count;
}

int scandir(const char *path, entry ***list, choose wanted, compare order) {
  ready();
  return unsorted(real_scandir(path, list, wanted, order), list, order);
}

int scandirat(int folder, const char *path, entry ***list, choose wanted, compare order) {
  ready();
  return unsorted(real_scandirat(folder, path, list, wanted, order), list, order);
}

/* The 64-bit names are the same functions. */
#define SAME(name) __attribute__((alias(#name)))
struct dirent64 *readdir64(DIR *dir) SAME(readdir);
int readdir64_r(DIR *dir, struct dirent64 *into, struct dirent64 **result) SAME(readdir_r);
int scandir64(const char *path, struct dirent64 ***list, int (*wanted)(const struct dirent64 *),
              int (*order)(const struct dirent64 **, const struct dirent64 **)) SAME(scandir);
int scandirat64(int folder, const char *path, struct dirent64 ***list, int (*wanted)(const struct dirent64 *),
                int (*order)(const struct dirent64 **, const struct dirent64 **)) SAME(scandirat);

/*
 * The clock on the wall is ahead; those that count from the start of the machine, files' times and limits of waiting are
 * not. No lock and no shared memory, so that nothing can hang on them, whatever forks or is killed.
 */
static int is_wall_clock(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  ready();
  int failed = real_clock_gettime(clock, now);
  if (!failed && is_wall_clock(clock)) now->tv_sec += ahead;
  return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  if (zone) memset(zone, 0, sizeof(struct timezone));
  int failed = clock_gettime(CLOCK_REALTIME, &exact);
  *now = (struct timeval){exact.tv_sec, exact.tv_nsec / 1000};
  return failed;
}

time_t time(time_t *into) {
  struct timespec now;
  /* The coarse clock, as the real time() does: a file made just before may not be newer. */
  if (clock_gettime(CLOCK_REALTIME_COARSE, &now)) return -1;
  if (into) *into = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(struct timespec *now, int base) {
  return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0;
}

/* Limits were reckoned from the false clock, but it is the true one that will be waited by. */
static struct timespec truly(const struct timespec *limit) {
  return (struct timespec){limit->tv_sec - ahead, limit->tv_nsec};
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict limit) {
  ready();
  /* A condition may wait by the steady clock, which is nowhere near the false one. */
  struct timespec now, until = *limit;
  if (!real_clock_gettime(CLOCK_REALTIME, &now) && limit->tv_sec > now.tv_sec / 2) until = truly(limit);
  return real_cond_timedwait(condition, mutex, &until);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict limit) {
  ready();
  struct timespec until = truly(limit);
  return real_mutex_timedlock(mutex, &until);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict limit) {
  ready();
  struct timespec until = truly(limit);
  return real_sem_timedwait(semaphore, &until);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted, struct timespec *left) {
  ready();
  struct timespec until = *wanted;
  if (flags & TIMER_ABSTIME && is_wall_clock(clock)) until = truly(wanted);
  return real_clock_nanosleep(clock, flags, &until, left);
}
