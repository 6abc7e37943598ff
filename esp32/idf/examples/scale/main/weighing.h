/* From readings to weights. Nothing here knows the SDK. */
#ifndef WEIGHING_H
#define WEIGHING_H

#include <stdbool.h>
#include <stdint.h>

#define WEIGHING_STEADY 8 /* readings in a row that have to agree */

typedef struct {
    int32_t zero;   /* the reading of the empty scale */
    int32_t per_kg; /* how much a kilogram adds to it; may be negative */
    int32_t last_g[WEIGHING_STEADY];
    uint32_t count;
} weighing;

/* Return what the 24 bits of an HX711 mean: two's complement. */
int32_t weighing_reading(uint32_t bits);

/* Return a reading in grams. */
int32_t weighing_grams(const weighing *scale, int32_t reading);

/* Take a weight; tell whether the last ones differ by `most` at most. */
bool weighing_steady(weighing *scale, int32_t grams, int32_t most);

/* Learn from a weight that is known. Returns false where the reading is that of the empty scale. */
bool weighing_calibrate(weighing *scale, int32_t reading, int32_t grams);

#endif
