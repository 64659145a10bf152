/*
 * The native yardstick of the full pass: BLAKE3 (the official C library, AVX-512 where there is any) and the moments of
 * bf16 values, piece by piece, files dealt out to threads in ranges of 256 MiB.
 * Prints one line: bytes, wall seconds, CPU seconds, a checksum of digests and sums (so that nothing is optimised away).
 * Usage: full_pass THREADS FILE...
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "blake3.h"

#define PIECE (1 << 19)
#define RANGE ((int64_t)256 << 20)
#define LANES 16
#define BLOCK 1024

struct range { int fd; int64_t begin, end; };
struct moments { double sum, squares, cubes, fourths; uint64_t finite, zeros, infinite; float min, max; };

static struct range *ranges;
static int range_count;
static atomic_int next_range;
static atomic_ullong checksum;

typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint16_t vh __attribute__((vector_size(32)));

static vf pick(vi mask, vf a, vf b) { return (vf)(((vi)a & mask) | ((vi)b & ~mask)); }

/* Blocks of 1024 values: sixteen f32 lanes inside, f64 between. */
static void add_moments(const uint16_t *values, int64_t n, struct moments *m) {
  for (int64_t start = 0; start + BLOCK <= n; start += BLOCK) {
    vf s1 = {0}, s2 = {0}, s3 = {0}, s4 = {0}, low = s1 + INFINITY, high = s1 - INFINITY;
    vi zeros = {0}, bad = {0};
    for (int i = 0; i < BLOCK; i += LANES) {
      vh codes;
      memcpy(&codes, values + start + i, sizeof codes);
      vi bits = __builtin_convertvector(codes, vi) << 16;
      vi odd = (bits & 0x7f800000) == 0x7f800000;
      bits &= ~odd;
      bad -= odd;
      zeros -= (bits & 0x7fffffff) == 0;
      vf x = (vf)bits, square = x * x;
      low = pick(x < low, x, low);
      high = pick(x > high, x, high);
      s1 += x;
      s2 += square;
      s3 += square * x;
      s4 += square * square;
    }
    for (int l = 0; l < LANES; l++) {
      m->sum += s1[l];
      m->squares += s2[l];
      m->cubes += s3[l];
      m->fourths += s4[l];
      m->zeros += (uint64_t)(zeros[l] - bad[l]);
      m->infinite += (uint64_t)bad[l];
      m->min = low[l] < m->min ? low[l] : m->min;
      m->max = high[l] > m->max ? high[l] : m->max;
    }
    m->finite += BLOCK;
  }
}

static void *work(void *unused) {
  (void)unused;
  uint8_t *piece = aligned_alloc(4096, PIECE);
  for (;;) {
    int k = atomic_fetch_add(&next_range, 1);
    if (k >= range_count) break;
    struct moments m = {.min = INFINITY, .max = -INFINITY};
    blake3_hasher hasher;
    blake3_hasher_init(&hasher);
    for (int64_t at = ranges[k].begin; at < ranges[k].end;) {
      int64_t wanted = ranges[k].end - at < PIECE ? ranges[k].end - at : PIECE;
      ssize_t got = pread(ranges[k].fd, piece, (size_t)wanted, at);
      if (got <= 0) { perror("pread"); exit(1); }
      blake3_hasher_update(&hasher, piece, (size_t)got);
      add_moments((const uint16_t *)piece, got / 2, &m);
      at += got;
    }
    uint8_t digest[BLAKE3_OUT_LEN];
    blake3_hasher_finalize(&hasher, digest, BLAKE3_OUT_LEN);
    uint64_t word, bits;
    double all = m.sum + m.squares + m.cubes + m.fourths + m.min + m.max + (double)(m.finite + m.zeros);
    memcpy(&word, digest, 8);
    memcpy(&bits, &all, 8);
    atomic_fetch_add(&checksum, word ^ bits);
  }
  free(piece);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 3) { fprintf(stderr, "usage: %s THREADS FILE...\n", argv[0]); return 2; }
  int threads = atoi(argv[1]);
  int64_t total = 0;
  for (int i = 2; i < argc; i++) {
    int fd = open(argv[i], O_RDONLY);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) { perror(argv[i]); return 1; }
    for (int64_t at = 0; at < info.st_size; at += RANGE) {
      ranges = realloc(ranges, sizeof *ranges * (size_t)(range_count + 1));
      int64_t end = at + RANGE < info.st_size ? at + RANGE : info.st_size;
      ranges[range_count++] = (struct range){fd, at, end};
    }
    total += info.st_size;
  }
  struct timespec start, stop;
  clock_gettime(CLOCK_MONOTONIC, &start);
  pthread_t handles[64];
  for (int t = 0; t < threads && t < 64; t++) pthread_create(&handles[t], NULL, work, NULL);
  for (int t = 0; t < threads && t < 64; t++) pthread_join(handles[t], NULL);
  clock_gettime(CLOCK_MONOTONIC, &stop);
  double seconds = (double)(stop.tv_sec - start.tv_sec) + 1e-9 * (double)(stop.tv_nsec - start.tv_nsec);
  struct timespec cpu;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  printf("%lld %.6f %.6f %016llx\n", (long long)total, seconds, (double)cpu.tv_sec + 1e-9 * (double)cpu.tv_nsec,
         (unsigned long long)checksum);
  return 0;
}
