/*
 * Random reads and writes of 4 KiB past the guest's own cache, as `fio --rw=randrw --rwmixread=70 --direct=1 --bs=4k
 * --numjobs=4` does them; fio itself does not fit into a guest of a few megabytes.
 *
 * random-io DEVICE SECONDS: prints the operations a second.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { block = 4096, jobs = 4, reads_of_ten = 7 };

static int device;
static uint64_t blocks;
static double seconds;
static uint64_t done[jobs];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static uint64_t next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static void *work(void *argument) {
  long job = (long)argument;
  uint64_t state = 0x9e3779b97f4a7c15u + job;
  void *buffer;
  if (posix_memalign(&buffer, block, block)) exit(1);
  memset(buffer, 0x5a + job, block);
  for (double end = now() + seconds; now() < end; done[job]++) {
    off_t at = (off_t)(next(&state) % blocks) * block;
    int reads = next(&state) % 10 < reads_of_ten;
    ssize_t moved = reads ? pread(device, buffer, block, at) : pwrite(device, buffer, block, at);
    if (moved != block) {
      perror("random-io");
      exit(1);
    }
  }
  return NULL;
}

int main(int count, char **words) {
  pthread_t threads[jobs];
  uint64_t all = 0;
  if (count != 3) return 2;
  device = open(words[1], O_RDWR | O_DIRECT);
  if (device < 0) {
    perror(words[1]);
    return 1;
  }
  blocks = (uint64_t)lseek(device, 0, SEEK_END) / block;
  seconds = atof(words[2]);
  for (long job = 0; job < jobs; job++) pthread_create(&threads[job], NULL, work, (void *)job);
  for (long job = 0; job < jobs; job++) {
    pthread_join(threads[job], NULL);
    all += done[job];
  }
  printf("%.0f\n", all / seconds);
  return 0;
}
