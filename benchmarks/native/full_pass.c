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
#define LANES 32
#define BLOCK 1024

struct range { int fd; int64_t begin, end; };
struct moments { double sum, squares, cubes, fourths; uint64_t finite, zeros, nan, infinite; float min, max; };

static struct range *ranges;
static int range_count;
static atomic_int next_range;
static atomic_ullong checksum;

/* Blocks of 1024 values: f32 lanes inside, f64 between. Written for the auto-vectoriser. */
static void add_moments(const uint16_t *restrict values, int64_t n, struct moments *m) {
  for (int64_t start = 0; start + BLOCK <= n; start += BLOCK) {
    float s1[LANES] = {0}, s2[LANES] = {0}, s3[LANES] = {0}, s4[LANES] = {0}, low[LANES], high[LANES];
    uint32_t zeros[LANES] = {0}, bad[LANES] = {0};
    for (int l = 0; l < LANES; l++) { low[l] = INFINITY; high[l] = -INFINITY; }
    for (int i = 0; i < BLOCK; i += LANES) {
      for (int l = 0; l < LANES; l++) {
        uint32_t bits = (uint32_t)values[start + i + l] << 16;
        uint32_t odd = (bits & 0x7f800000u) == 0x7f800000u;
        bad[l] += odd;
        bits = odd ? 0 : bits;
        float x;
        memcpy(&x, &bits, 4);
        zeros[l] += x == 0;
        low[l] = x < low[l] ? x : low[l];
        high[l] = x > high[l] ? x : high[l];
        float square = x * x;
        s1[l] += x;
        s2[l] += square;
        s3[l] += square * x;
        s4[l] += square * square;
      }
    }
    for (int l = 0; l < LANES; l++) {
      m->sum += s1[l];
      m->squares += s2[l];
      m->cubes += s3[l];
      m->fourths += s4[l];
      m->zeros += zeros[l] - bad[l];
      m->infinite += bad[l];
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
    atomic_fetch_xor(&checksum, word ^ bits);
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
