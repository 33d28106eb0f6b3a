/* Which rows of registers.def a board has: PROTO_BOARD says whose are wanted. registers.def includes this every time, so
 * that one program may look at several boards, one after the other; hence no guard.
 *
 * A board with fewer terminals lacks whole rows. It never has a row with another range, SAFE or MAX_ON.
 */
#undef PROTO_BOARD_NAME
#undef ROWS_LEVELS
#undef ROWS_DUTIES
#undef ROWS_AXES
#if PROTO_BOARD == PROTO_BOARD_ATMEGA2560
#define PROTO_BOARD_NAME "atmega2560"
#define ROWS_LEVELS 8 /* out.0 ... */
#define ROWS_DUTIES 1 /* pwm.0, pwm.1 */
#define ROWS_AXES 1   /* axis.0 ... axis.2 */
#elif PROTO_BOARD == PROTO_BOARD_ATMEGA328P
#define PROTO_BOARD_NAME "atmega328p"
#define ROWS_LEVELS 4
#define ROWS_DUTIES 0
#define ROWS_AXES 0
#elif PROTO_BOARD == PROTO_BOARD_STM32F405
#define PROTO_BOARD_NAME "stm32f405"
#define ROWS_LEVELS 8
#define ROWS_DUTIES 0
#define ROWS_AXES 0
#elif PROTO_BOARD == PROTO_BOARD_NATIVE /* has every row */
#define PROTO_BOARD_NAME "native"
#define ROWS_LEVELS 8
#define ROWS_DUTIES 1
#define ROWS_AXES 1
#else
#error "PROTO_BOARD names no board"
#endif
