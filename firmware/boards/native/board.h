/* The native board: see node_native.h. Interrupts are calls from node_native_run_to(), never nested. */
#ifndef ANZEN_BOARD_NATIVE_H
#define ANZEN_BOARD_NATIVE_H

#define BOARD_NAME "native"
#define BOARD_TICK_HZ 2000000ul
#define BOARD_ALARM_MARGIN 0
#define BOARD_LEAD 0
#define BOARD_EXECUTE 0

struct NodeNative;
extern _Thread_local struct Node *board_node;
extern _Thread_local struct NodeNative *board_native;
#define node (*board_node)

typedef uint8_t board_irq;
static inline board_irq board_irq_off(void)
{
	return 0;
}
static inline void board_irq_restore(board_irq irq)
{
	(void)irq;
}
#define board_barrier() \
	do {            \
	} while (0)

uint32_t board_now(void);
uint16_t board_now16(void);
void board_alarm(uint32_t at);
void board_alarm_mask(uint8_t masked);
void board_outputs(uint8_t port);
void board_outputs_safe(void);
void board_enable(uint8_t on);
void board_led(uint8_t on);
uint16_t board_pwm_compare(uint16_t duty);
void board_pwm_prepare(uint8_t k, uint16_t compare);
uint16_t board_pwm_apply(uint8_t k, uint8_t on);
uint16_t board_pwm(uint8_t k);
void board_axis_high(uint8_t i);
void board_axis_low(uint8_t i);
bool board_axis_merged(void);
void board_axis_direction(uint8_t i, uint8_t up);
void board_axis_at(uint8_t i, uint16_t at);
void board_axis_set(uint8_t i, uint16_t at);
uint8_t board_axis_irq(uint8_t i);
void board_axis_run(uint8_t mask);
void board_axis_rest(uint8_t i);
uint8_t board_inputs(void);
void board_adc_select(uint8_t channel);
void board_adc_start(volatile uint16_t *ret_at); /* the low half of its sample-and-hold instant */
uint16_t board_adc_code(void);
void board_edges_on(uint8_t inputs);
void board_edges_off(void);
void board_watchdog_kick(void);
bool board_uart_send(const uint8_t *bytes, uint8_t n);
int16_t board_uart_get(void);
uint16_t board_uart_lead(void);
bool board_uart_stamp(uint32_t *ret_at);

#endif
