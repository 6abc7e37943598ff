/* Not run: the sizes of these symbols tell what a device needs in RAM on this machine (python -m tools.firmware_size). */
#include "talkstick_claim.h"

const ts_device size_of_ts_device;
const ts_claim size_of_ts_claim;
