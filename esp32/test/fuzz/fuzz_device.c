/* A device in a world where anything may happen. */
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    world w;

    world_begin(&w, &input);
    while (input.left > 0) world_event(&w, &input);
    world_end(&w);
    return 0;
}
