/* A board that has no credentials yet claims them with a code. */
#ifndef HOST_CLAIMING_H
#define HOST_CLAIMING_H

#include "board.h"

/* Claim, and keep what came of it. STATUS_RUNS: the flash memory has id and secret now. */
exit_status claim_credentials(const board_options *options, flash_memory *flash);

#endif
