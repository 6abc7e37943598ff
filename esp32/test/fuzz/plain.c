/* A fuzz target as a plain test: runs it on files, and on random input with pieces of these files.
 *
 * Usage: fuzz_…_plain RUNS SEED [FILE or FOLDER]... */
#include "input.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SEEDS 512
#define MOST_BYTES 4096

static struct {
    uint8_t data[MOST_BYTES];
    size_t size;
} seeds[MOST_SEEDS];
static size_t seed_count;
static uint32_t state;

static uint32_t next_random(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void take_file(FILE *file) {
    seeds[seed_count].size = fread(seeds[seed_count].data, 1, MOST_BYTES, file);
    (void)LLVMFuzzerTestOneInput(seeds[seed_count].data, seeds[seed_count].size);
    if (seed_count + 1 < MOST_SEEDS) seed_count++;
}

static void take(const char *path);

static void take_folder(const char *path, DIR *folder) {
    char inner[1024];

    for (const struct dirent *one = readdir(folder); one != NULL; one = readdir(folder)) {
        if (one->d_name[0] == '.') continue;
        (void)snprintf(inner, sizeof inner, "%s/%s", path, one->d_name);
        take(inner);
    }
    (void)closedir(folder);
}

static void take(const char *path) {
    DIR *folder = opendir(path);
    FILE *file;

    if (folder != NULL) {
        take_folder(path, folder);
        return;
    }
    file = fopen(path, "rb");
    fuzz_expect(file != NULL, path);
    take_file(file);
    (void)fclose(file);
}

/* Random bytes, with a seed in between now and then, and a few bytes of all that changed. */
static size_t make(uint8_t *data) {
    size_t size = 0, wanted = next_random() % MOST_BYTES;

    while (size < wanted) {
        if (seed_count > 0 && next_random() % 32 == 0) {
            size_t which = next_random() % seed_count;
            size_t fits = seeds[which].size < wanted - size ? seeds[which].size : wanted - size;
            memcpy(data + size, seeds[which].data, fits);
            size += fits;
        } else {
            data[size++] = (uint8_t)next_random();
        }
    }
    for (uint32_t i = 0; size > 0 && i < next_random() % 8; i++) data[next_random() % size] = (uint8_t)next_random();
    return size;
}

int main(int count, char **arguments) {
    static uint8_t data[MOST_BYTES];
    long runs = count > 1 ? strtol(arguments[1], NULL, 10) : 1000;

    state = count > 2 ? (uint32_t)strtoul(arguments[2], NULL, 10) | 1U : 1;
    for (int i = 3; i < count; i++) take(arguments[i]);
    for (long i = 0; i < runs; i++) (void)LLVMFuzzerTestOneInput(data, make(data));
    (void)printf("%zu files, %ld random inputs\n", seed_count, runs);
    return 0;
}
