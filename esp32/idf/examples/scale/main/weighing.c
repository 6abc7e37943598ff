#include "weighing.h"

int32_t weighing_reading(uint32_t bits) {
    bits &= 0xffffffu;
    return bits < 0x800000u ? (int32_t)bits : (int32_t)bits - 0x1000000;
}

int32_t weighing_grams(const weighing *scale, int32_t reading) {
    if (scale->per_kg == 0) return 0;
    return (int32_t)(((int64_t)reading - scale->zero) * 1000 / scale->per_kg);
}

bool weighing_steady(weighing *scale, int32_t grams, int32_t most) {
    int32_t least = grams;
    int32_t greatest = grams;

    scale->last_g[scale->count++ % WEIGHING_STEADY] = grams;
    for (uint32_t i = 0; i < WEIGHING_STEADY && i < scale->count; i++) {
        least = scale->last_g[i] < least ? scale->last_g[i] : least;
        greatest = scale->last_g[i] > greatest ? scale->last_g[i] : greatest;
    }
    return scale->count >= WEIGHING_STEADY && (int64_t)greatest - least <= most;
}

bool weighing_calibrate(weighing *scale, int32_t reading, int32_t grams) {
    int64_t per_kg = grams <= 0 ? 0 : ((int64_t)reading - scale->zero) * 1000 / grams;

    if (per_kg == 0 || per_kg > INT32_MAX || per_kg < INT32_MIN) return false;
    scale->per_kg = (int32_t)per_kg;
    return true;
}
