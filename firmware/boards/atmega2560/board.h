/* ATmega2560 at 16 MHz (Arduino Mega 2560). Terminals, with the Mega's pin numbers:
 *
 *	out.0 … out.7	PA0 … PA7	22 … 29	push-pull; external pull-down to SAFE is part of the wiring
 *	enable		PC0		37	high while leases run; gates the power stage
 *	estop, trip	PD0, PD1	21, 20	INT0, INT1; loop to ground, pull-up: open = high
 *	in.0		PL0		49	timer 4's capture unit
 *	in.1 … in.3	PB4 … PB6	10 … 12	pin change interrupt
 *	adc.0 … adc.3	PF0 … PF3	A0 … A3	reference AVCC
 *	led		PB7		13
 *	pwm.0, pwm.1	PL4, PL5	45, 44	OC5B, OC5C; external pull-down
 *	step.N		PC1, PC3, PC5	36, 34, 32	rising edge; external pull-down
 *	dir.N		PC2, PC4, PC6	35, 33, 31	high = upwards
 *	UART0		PE0, PE1	USB bridge
 *
 * Timers 3 and 4 count with timer 1: OCR3A, B, C are the axes' next steps, ICR4 is when in.0 changed. Timer 5 makes the duties.
 */
#ifndef ANZEN_BOARD_ATMEGA2560_H
#define ANZEN_BOARD_ATMEGA2560_H

#include <avr/io.h>

#define BOARD_OUT_PORT PORTA
#define BOARD_OUT_DDR DDRA
#define BOARD_OUT_MASK 0xff
#define BOARD_OUT(port) (port)
#define BOARD_ENABLE_PORT PORTC
#define BOARD_ENABLE_DDR DDRC
#define BOARD_ENABLE_BIT 0
#define BOARD_LED_BIT 7
#define BOARD_LOOPS_BIT 0                                       /* estop; trip is the next */
#define BOARD_CHANGED(port_b) ((uint8_t)(((port_b)&0x70) << 1)) /* in.1 … in.3 */
#define BOARD_IN() ((uint8_t)((PINL & 1) << 4 | BOARD_CHANGED(PINB)))
#define BOARD_CAPTURE_VECT TIMER4_CAPT_vect
#define BOARD_CAPTURE_ICR ICR4
#define BOARD_CAPTURE_CONTROL TCCR4B
#define BOARD_CAPTURE_RISING (_BV(CS41) | _BV(ICES4))
#define BOARD_CAPTURE_FALLING _BV(CS41)
#define BOARD_CAPTURE_FLAGS TIFR4
#define BOARD_CAPTURE_BIT ICF4
#define BOARD_CAPTURE_FLAG _BV(BOARD_CAPTURE_BIT)
#define BOARD_CAPTURE_MASK TIMSK4
#define BOARD_CAPTURE_MASK_OFF 0
#define BOARD_CAPTURE_MASK_ON _BV(ICIE4)
#define BOARD_CHANGES(inputs) ((uint8_t)((inputs) >> 1 & 0x70)) /* their bits of port B */
#define BOARD_RX_VECT USART0_RX_vect
#define BOARD_UDRE_VECT USART0_UDRE_vect
#define BOARD_TX_RING 256

/* Beyond the outputs' port, when safe: duties leave their pins to port L, which is low, and no step begins any more. The
 * same for the safety lines' routines, r24 free: 5 cycles. */
#define BOARD_ALSO_SAFE()   \
	do {                \
		TCCR5A = 0; \
		TIMSK3 = 0; \
	} while (0)
#define BOARD_ALSO_SAFE_ASM             \
	"ldi r24, 0\n"                  \
	"sts 0x120, r24\n" /* TCCR5A */ \
	"sts 0x71, r24\n"  /* TIMSK3 */

#include "../avr/avr.h"

/* ---- duties: fast PWM up to ICR5 (mode 14); with nothing connected TCCR5A is 0 and the timer goes on in mode 12 ---- */

#define BOARD_PWM_TOP ((uint16_t)(TICKS_US(PROTO_PWM_PERIOD_US) - 1))
static inline uint8_t board_pwm_bit(uint8_t k)
{
	return k ? _BV(COM5C1) : _BV(COM5B1);
}
/* Of 1 … 1000 per mille. */
static inline uint16_t board_pwm_compare(uint16_t duty)
{
	return (uint16_t)(duty * (BOARD_PWM_TOP + 1ul) / 1000 - 1);
}
/* It is buffered: it counts from the next period on. */
static inline void board_pwm_prepare(uint8_t k, uint16_t compare)
{
	board_irq irq = board_irq_off();
	if (k)
		OCR5C = compare;
	else
		OCR5B = compare;
	board_irq_restore(irq);
}
/* Interrupts off. Ticks until it counts: 0 when it was the only one and a period begins now. */
static inline uint16_t board_pwm_apply(uint8_t k, uint8_t on)
{
	uint8_t bit = board_pwm_bit(k), was = TCCR5A;
	if (!on) {
		was &= (uint8_t)~bit;
		TCCR5A = was & (_BV(COM5B1) | _BV(COM5C1)) ? was : 0;
		return 0;
	}
	if (was) {
		TCCR5A = was | bit;
		return (uint16_t)(BOARD_PWM_TOP + 1 - TCNT5);
	}
	TCNT5 = BOARD_PWM_TOP;
	TCCR5A = bit | _BV(WGM51);
	return 0;
}
static inline uint16_t board_pwm(uint8_t k)
{
	if (!(TCCR5A & board_pwm_bit(k)))
		return 0;
	return (uint16_t)(((k ? OCR5C : OCR5B) + 1ul) * 1000 / (BOARD_PWM_TOP + 1));
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

#define BOARD_STEP(i) ((uint8_t)((i) == 0 ? _BV(PC1) : (i) == 1 ? _BV(PC3) : _BV(PC5)))
#define BOARD_STEP_IRQ(i) ((uint8_t)((i) == 0 ? _BV(OCIE3A) : (i) == 1 ? _BV(OCIE3B) : _BV(OCIE3C)))
/* A bit of GPIOR0, which main.c shares out: a step came while its line was still high. */
#define BOARD_STEP_MERGED 3
/* Has one since this was last asked? The drive saw one edge of the two. */
static inline bool board_axis_merged(void)
{
	if (!(GPIOR0 & _BV(BOARD_STEP_MERGED)))
		return false;
	GPIOR0 &= (uint8_t)~_BV(BOARD_STEP_MERGED);
	return true;
}
static inline void board_axis_high(uint8_t i)
{
	uint8_t bit = BOARD_STEP(i);
	CORE_READY(bit);
	board_irq irq = board_irq_off();
	PORTC = PORTC | bit;
	board_irq_restore(irq);
}
static inline void board_axis_low(uint8_t i)
{
	uint8_t keep = (uint8_t)~BOARD_STEP(i);
	CORE_READY(keep);
	board_irq irq = board_irq_off();
	PORTC &= keep;
	board_irq_restore(irq);
}
static inline void board_axis_direction(uint8_t i, uint8_t up)
{
	uint8_t bit = (uint8_t)(BOARD_STEP(i) << 1), set = up ? bit : 0;
	CORE_READY(bit);
	CORE_READY(set);
	board_irq irq = board_irq_off();
	PORTC = (uint8_t)((PORTC & ~bit) | set);
	board_irq_restore(irq);
}
#define BOARD_AXIS_LATE 3 /* ticks in which a compare value may be written too late */
/* When axis i steps next; should that be now or past, at once. Whether it is is asked before it is set: a moment that passes
 * meanwhile would come, and the one put in its place would come as well. */
static inline void board_axis_at(uint8_t i, uint16_t at)
{
	volatile uint16_t *compare = &OCR3A + i;
	CORE_READY(compare);
	CORE_READY(at);
	board_irq irq = board_irq_off();
	uint16_t now = TCNT3;
	if ((int16_t)(at - now) <= BOARD_AXIS_LATE)
		at = now + BOARD_AXIS_LATE;
	*compare = at;
	board_irq_restore(irq);
}
/* The axis rests: its next step, without its interrupt. */
static inline void board_axis_set(uint8_t i, uint16_t at)
{
	volatile uint16_t *compare = &OCR3A + i;
	CORE_READY(compare);
	board_irq irq = board_irq_off();
	*compare = at;
	board_irq_restore(irq);
	TIFR3 = BOARD_STEP_IRQ(i); /* flags stand where their enables do */
}
static inline uint8_t board_axis_irq(uint8_t i)
{
	return BOARD_STEP_IRQ(i);
}
/* Interrupts off. */
static inline void board_axis_run(uint8_t mask)
{
	TIMSK3 = TIMSK3 | mask;
}
static inline void board_axis_rest(uint8_t i)
{
	uint8_t keep = (uint8_t)~BOARD_STEP_IRQ(i);
	CORE_READY(keep);
	board_irq irq = board_irq_off();
	TIMSK3 = TIMSK3 & keep;
	board_irq_restore(irq);
}

#endif
