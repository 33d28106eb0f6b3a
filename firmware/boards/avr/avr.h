/* What the two AVR boards have in common; board.h of each says which pins and how much memory.
 *
 * Timer 1 runs freely at 2 MHz (0.5 µs): OCR1A is the schedule's alarm, OCR1B the tick, its overflow extends the
 * count to 32 bits. Numbers of registers and timing: datasheets ATmega640/1280/1281/2560/2561, 2549Q, and
 * ATmega48A/PA/88A/PA/168A/PA/328/P, DS40002061B; where both are used here they agree.
 */
#ifndef ANZEN_BOARD_AVR_H
#define ANZEN_BOARD_AVR_H

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/wdt.h>

#define BOARD_NAME PROTO_BOARD_NAME
#define BOARD_TICK_HZ 2000000ul
#define BOARD_ALARM_MARGIN 2 /* ticks in which a compare value may be written too late */

extern struct Node node_state;
#define node node_state

extern volatile uint16_t board_time_high;

typedef uint8_t board_irq;
static inline board_irq board_irq_off(void)
{
	uint8_t sreg = SREG;
	cli();
	return sreg;
}
static inline void board_irq_restore(board_irq irq)
{
	__asm__ volatile("" ::: "memory");
	SREG = irq;
}
#define board_barrier() __asm__ volatile("" ::: "memory")

static inline uint32_t board_now(void)
{
	board_irq irq = board_irq_off();
	uint16_t low = TCNT1, high = board_time_high;
	if ((TIFR1 & _BV(TOV1)) && low < 0x8000) /* it wrapped and the interrupt has not run yet */
		high++;
	board_irq_restore(irq);
	return (uint32_t)high << 16 | low;
}

/* Interrupts off. */
static inline uint16_t board_now16(void)
{
	return TCNT1;
}

/* The alarm rings whenever the low 16 bits match, at worst every 32.8 ms; core_on_alarm() looks at all 32. It is set
 * BOARD_LEAD ahead: entering the interrupt and finding the action takes less, the rest is waited for with interrupts
 * on, and BOARD_EXECUTE is the way from the end of the wait to the pin. Both measured in simavr. */
#define BOARD_LEAD 140
#define BOARD_EXECUTE 8
static inline void board_alarm(uint32_t at)
{
	board_irq irq = board_irq_off();
	OCR1A = (uint16_t)(at - BOARD_LEAD);
	board_irq_restore(irq);
}
/* Main only, interrupts on: keep alarm and tick out; what comes meanwhile is served at the end. */
void board_alarm_mask(uint8_t masked);

static inline void board_outputs(uint8_t port)
{
	BOARD_OUT_PORT = BOARD_OUT(port);
}
static inline void board_enable(uint8_t on)
{
	if (on)
		BOARD_ENABLE_PORT |= _BV(BOARD_ENABLE_BIT);
	else
		BOARD_ENABLE_PORT &= (uint8_t)~_BV(BOARD_ENABLE_BIT);
}
#define board_outputs_safe()                                          \
	do {                                                          \
		BOARD_OUT_PORT = BOARD_OUT(CORE_SAFE_PORT);           \
		BOARD_ENABLE_PORT &= (uint8_t)~_BV(BOARD_ENABLE_BIT); \
		BOARD_ALSO_SAFE();                                    \
	} while (0)
static inline void board_led(uint8_t on)
{
	if (on)
		PORTB |= _BV(BOARD_LED_BIT);
	else
		PORTB &= (uint8_t)~_BV(BOARD_LED_BIT);
}

/* PROTO_INPUT_ESTOP and _TRIP are bits 0 and 1, in.N bits 4 … 7. */
static inline uint8_t board_inputs(void)
{
	return (uint8_t)((PIND >> BOARD_LOOPS_BIT & 3) | BOARD_IN());
}

static inline void board_adc_select(uint8_t channel)
{
	ADMUX = _BV(REFS0) | channel;
}
/* Starts a conversion. *ret_at, the low half of its sample-and-hold instant, 1.5 ADC clocks (12 µs at 125 kHz) later, is
 * there before core_on_adc() comes: after 13 of them. The whole register is written: to change a bit would clear the flag. */
#define BOARD_ADC (_BV(ADEN) | _BV(ADIE) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0))
static inline void board_adc_start(volatile uint16_t *ret_at)
{
	board_irq irq = board_irq_off();
	ADCSRA = BOARD_ADC | _BV(ADSC);
	*ret_at = (uint16_t)(TCNT1 + 24);
	board_irq_restore(irq);
}
static inline uint16_t board_adc_code(void)
{
	return ADC;
}

/* Whose edges are captured: PROTO_INPUT_IN0 … The board calls core_on_edges() until node.edges_off; in.0 by a timer's capture
 * unit, the others by a pin change interrupt. */
void board_edges_on(uint8_t inputs);
void board_edges_off(void);

static inline void board_watchdog_kick(void)
{
	wdt_reset();
}

bool board_uart_send(const uint8_t *bytes, uint8_t n);
int16_t board_uart_get(void);
/* Ticks from now until a frame that is encoded now begins to leave. */
uint16_t board_uart_lead(void);
/* When the delimiter that board_uart_get() has just returned arrived; false when a later one took its place. */
bool board_uart_stamp(uint32_t *ret_at);

#endif
