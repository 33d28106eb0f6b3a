/* STM32F405RG at 168 MHz. Terminals by the chip's pins:
 *
 *	out.0 … out.7	PC0 … PC7	push-pull; external pull-down to SAFE is part of the wiring
 *	enable		PC8		high while leases run; gates the power stage
 *	estop, trip	PB0, PB1	EXTI0, EXTI1; loop to ground, pull-up: open = high
 *	in.0 … in.3	PB12 … PB15	pulled down; EXTI12 … EXTI15
 *	adc.0 … adc.3	PA1 … PA4	10 bits of VDDA (3.3 V)
 *	led		PC12		lit when low
 *	USART1		PA9, PA10	500 kBd, 3.3 V
 *
 * Timer 2 counts 32 bits at 2 MHz and rings the schedule's alarm; SysTick is the tick. Numbers: RM0090 rev 19, PM0214 rev 10.
 *
 * An emulator that has neither GPIO nor a timer that compares is recognised once, at the start (board_emulated: the clock
 * control reads as if no oscillator ran, which no running chip's can). There SysTick counts the time and rings the alarm,
 * and pins are USART2: what changes goes out of it, levels of inputs come in (main.c says how).
 */
#ifndef ANZEN_BOARD_STM32F405_H
#define ANZEN_BOARD_STM32F405_H

#define BOARD_NAME PROTO_BOARD_NAME
#define BOARD_TICK_HZ 2000000ul
#define BOARD_ALARM_MARGIN 2
#define BOARD_EXECUTE 0

/* How far ahead the alarm rings; the rest is waited for on the spot. */
extern int32_t board_lead;
#define BOARD_LEAD board_lead

extern bool board_emulated;
extern struct Node node_state;
#define node node_state

typedef uint32_t board_irq;
static inline board_irq board_irq_off(void)
{
	board_irq irq;
	__asm__ volatile("mrs %0, primask\n"
			 "cpsid i"
			 : "=r"(irq)::"memory");
	return irq;
}
static inline void board_irq_restore(board_irq irq)
{
	__asm__ volatile("msr primask, %0" ::"r"(irq) : "memory");
}
#define board_barrier() __asm__ volatile("" ::: "memory")

uint32_t board_now(void);
static inline uint16_t board_now16(void)
{
	return (uint16_t)board_now();
}
void board_alarm(uint32_t at);
/* Main only: keep alarm and tick out; what comes meanwhile is served at the end. */
void board_alarm_mask(uint8_t masked);

void board_outputs(uint8_t port);
void board_outputs_safe(void);
void board_enable(uint8_t on);
void board_led(uint8_t on);
uint8_t board_inputs(void);

void board_adc_select(uint8_t channel);
void board_adc_start(volatile uint16_t *ret_at); /* the low half of its sample-and-hold instant */
uint16_t board_adc_code(void);

/* Whose edges are captured: PROTO_INPUT_IN0 … The board calls core_on_edges() until node.edges_off. */
void board_edges_on(uint8_t inputs);
void board_edges_off(void);

void board_watchdog_kick(void);

bool board_uart_send(const uint8_t *bytes, uint8_t n);
int16_t board_uart_get(void);
uint16_t
board_uart_lead(void); /* ticks from now until a frame that is encoded now begins to leave */
/* When the delimiter that board_uart_get() has just returned arrived; false when a later one took its place. */
bool board_uart_stamp(uint32_t *ret_at);

#endif
