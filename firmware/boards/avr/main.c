#include "../../core/core.h"
#include <avr/eeprom.h>
#include <avr/sleep.h>
#include <string.h>

struct Node node_state;
volatile uint16_t board_time_high __attribute__((used));

/* ---- UART: rings with 8-bit indices -----------------------------------------------------------------------------
 *
 * Every interrupt but the two safety lines' lets others in after at most 33 cycles; that needs assembly for the UART's
 * two, whose flags stay up until the byte is taken. The receiver's index and the time of the last delimiter live in
 * GPIOR1, EEDR (low; nothing else uses it after the start) and GPIOR2 (high): one cycle away.
 *
 * Both rings begin on a page, where an index is an address' low byte; they stand at the very start of the memory
 * (the linker is told so), or aligning them would waste up to a page. */

struct rings {
	uint8_t rx[256], tx[BOARD_TX_RING];
};
static volatile struct rings rings __attribute__((section(".rings,\"aw\",@nobits;"), used));
#define TX_MASK (BOARD_TX_RING - 1)
static volatile uint8_t tx_head __attribute__((used)), tx_tail __attribute__((used));
static uint8_t rx_tail;
static volatile uint8_t stamp_index __attribute__((used));
#define rx_head GPIOR1

/* A byte at 500 kBd lasts 320 cycles; the receiver holds two. An overrun damages a frame, which its CRC shows. The byte is
 * in the ring before anything else may run, so bytes keep their order however interrupts nest; of a delimiter the time is
 * taken at once, and its place noted at the end unless another byte has come meanwhile. The saved flags are put back with
 * interrupts on, so that nothing pending waits for whatever follows: they were on, or we would not be here. */
ISR(BOARD_RX_VECT, ISR_NAKED)
{
	__asm__ volatile(
		"push r24\n"
		"push r30\n"
		"push r31\n"
		"lds r24, %[data]\n"
		"in r30, %[head]\n"
		"ldi r31, hi8(%[ring])\n"
		"st Z, r24\n"
		"in r31, __SREG__\n"
		"inc r30\n"
		"out %[head], r30\n"
		"tst r24\n"
		"brne 1f\n"
		"lds r24, %[low]\n"
		"out %[stamp_low], r24\n"
		"lds r24, %[low]+1\n"
		"out %[stamp_high], r24\n"
		"sei\n"
		"nop\n"
		"nop\n" /* emulators let one more pass than the chip */
		"cli\n"
		"in r24, %[head]\n"
		"cp r24, r30\n"
		"brne 1f\n"
		"dec r24\n"
		"sts %[place], r24\n"
		"1: ori r31, 0x80\n"
		"out __SREG__, r31\n"
		"pop r31\n"
		"pop r30\n"
		"pop r24\n"
		"reti\n" ::[data] "n"(_SFR_MEM_ADDR(UDR0)),
		[low] "n"(_SFR_MEM_ADDR(TCNT1L)), [head] "n"(_SFR_IO_ADDR(GPIOR1)),
		[stamp_low] "n"(_SFR_IO_ADDR(EEDR)), [stamp_high] "n"(_SFR_IO_ADDR(GPIOR2)),
		[ring] "i"(rings.rx), [place] "i"(&stamp_index));
}

ISR(BOARD_UDRE_VECT, ISR_NAKED)
{
	__asm__ volatile("push r24\n"
			 "push r30\n"
			 "push r31\n"
			 "lds r24, %[end]\n"
			 "lds r30, %[tail]\n"
			 "cpse r24, r30\n"
			 "rjmp 1f\n"
			 "in r31, __SREG__\n" /* nothing left */
			 "lds r24, %[control]\n"
			 "andi r24, %[without]\n"
			 "sts %[control], r24\n"
			 "rjmp 2f\n"
			 "1: ldi r31, hi8(%[ring])\n"
			 "ld r24, Z\n"
			 "sts %[data], r24\n"
			 "in r31, __SREG__\n"
			 "inc r30\n"
#if TX_MASK != 255
			 "andi r30, %[mask]\n"
#endif
			 "sts %[tail], r30\n"
			 "2: ori r31, 0x80\n"
			 "out __SREG__, r31\n"
			 "pop r31\n"
			 "pop r30\n"
			 "pop r24\n"
			 "reti\n" ::[data] "n"(_SFR_MEM_ADDR(UDR0)),
			 [control] "n"(_SFR_MEM_ADDR(UCSR0B)), [without] "n"((uint8_t)~_BV(UDRIE0)),
			 [tail] "i"(&tx_tail), [end] "i"(&tx_head), [ring] "i"(rings.tx),
			 [mask] "M"(TX_MASK));
}

bool board_uart_send(const uint8_t *bytes, uint8_t n)
{
	uint8_t head = tx_head;
	if (((tx_tail - head - 1) & TX_MASK) < n)
		return false;
	for (; n; n--, head = (uint8_t)(head + 1) & TX_MASK)
		rings.tx[head] = *bytes++;
	board_barrier();
	tx_head = head;
	board_irq irq = board_irq_off();
	UCSR0B |= _BV(UDRIE0);
	board_irq_restore(irq);
	return true;
}

int16_t board_uart_get(void)
{
	if (rx_tail == rx_head)
		return -1;
	return rings.rx[rx_tail++];
}

/* Encoding a pong takes ENCODE; the bytes already waiting take 20 µs each. */
#define ENCODE TICKS_US(400)
uint16_t board_uart_lead(void)
{
	uint16_t waiting = ((tx_head - tx_tail) & TX_MASK) * (uint16_t)TICKS_US(20);
	return waiting > ENCODE ? waiting : ENCODE;
}

bool board_uart_stamp(uint32_t *ret_at)
{
	board_irq irq = board_irq_off();
	uint8_t index = stamp_index, low = EEDR, high = GPIOR2;
	board_irq_restore(irq);
	uint32_t now = board_now();
	*ret_at = now - (uint16_t)((uint16_t)now - (uint16_t)(low | high << 8));
	return index == (uint8_t)(rx_tail - 1);
}

/* ---- interrupts ------------------------------------------------------------------------------------------------- */

/* The count is whole before anybody may look at it. */
ISR(TIMER1_OVF_vect, ISR_NAKED)
{
	__asm__ volatile("push r24\n"
			 "in r24, __SREG__\n"
			 "push r24\n"
			 "lds r24, %[count]\n"
			 "subi r24, 0xff\n"
			 "sts %[count], r24\n"
			 "lds r24, %[count]+1\n"
			 "sbci r24, 0xff\n"
			 "sts %[count]+1, r24\n"
			 "pop r24\n"
			 "ori r24, 0x80\n"
			 "out __SREG__, r24\n"
			 "pop r24\n"
			 "reti\n" ::[count] "i"(&board_time_high));
}

/* The two safety lines: pins first, saving registers and book-keeping after. The enable line takes 2 cycles, the
 * outputs 6; on the ATmega2560 the duties 9, and after 11 no step can begin. What follows is an ordinary interrupt routine, reached by a jump. */
#define SAFETY_LINE(vector, routine, call)                                                    \
	void routine(void) __attribute__((signal, used));                                     \
	void routine(void)                                                                    \
	{                                                                                     \
		call();                                                                       \
	}                                                                                     \
	ISR(vector, ISR_NAKED)                                                                \
	{                                                                                     \
		__asm__ volatile(                                                             \
			"cbi %[enable], %[bit]\n"                                             \
			"push r24\n"                                                          \
			"ldi r24, %[safe]\n"                                                  \
			"out %[port], r24\n" BOARD_ALSO_SAFE_ASM "pop r24\n"                  \
			"jmp " #routine "\n" ::[enable] "n"(_SFR_IO_ADDR(BOARD_ENABLE_PORT)), \
			[bit] "n"(BOARD_ENABLE_BIT), [safe] "n"(BOARD_OUT(CORE_SAFE_PORT)),   \
			[port] "n"(_SFR_IO_ADDR(BOARD_OUT_PORT)));                            \
	}
SAFETY_LINE(INT0_vect, __vector_estop, core_on_estop)
SAFETY_LINE(INT1_vect, __vector_trip, core_on_trip)

/* Alarm and tick let everything else in, never themselves; the alarm keeps the tick out while it waits for a moment, and a
 * step that has not set its next moment yet keeps out both. Flags rather than TIMSK1: what comes meanwhile is remembered
 * here and does not depend on how a chip, or an emulator, treats a flag that was raised while its interrupt was masked. */
static volatile uint8_t alarm_masked, alarm_missed, tick_active, tick_missed;
static volatile uint8_t alarm_active __attribute__((used)), adc_missed __attribute__((used));
#define steps GPIOR0 /* bit N: axis N is in its step; what it keeps waiting: */
#define STEPS_ALL 0x07
#define STEPS_ALARM_ENTERS \
	5 /* from its first instruction on: a tick that slips in would make it late */
#define STEPS_ALARM 6
#define STEPS_TICK 7

/* Interrupts nest like calls, so what an interrupt finds set or clear stays so for it; only between seeing that nothing
 * was missed and saying that we have left may nothing come. Both end with interrupts on. */
static void run_tick(void)
{
	tick_active = 1;
	do {
		tick_missed = 0;
		sei();
		core_on_tick();
		cli();
	} while (tick_missed);
	tick_active = 0;
	sei();
}

static void run_alarm(void)
{
	alarm_active = 1;
	do {
		alarm_missed = 0;
		sei();
		core_on_alarm();
		cli();
	} while (alarm_missed);
	alarm_active = 0;
	sei();
	if (adc_missed) {
		adc_missed = 0;
		core_on_adc();
	}
	if (tick_missed && !tick_active)
		run_tick();
}

static void alarm(void)
{
	if (alarm_masked || alarm_active)
		alarm_missed = 1;
	else
		run_alarm();
}

static void tick(void)
{
	if (alarm_masked || alarm_active || tick_active)
		tick_missed = 1;
	else
		run_tick();
}

/* What was kept waiting. */
static void leave(void)
{
	if (steps & (STEPS_ALL | _BV(STEPS_ALARM_ENTERS)))
		return;
	if (steps & _BV(STEPS_ALARM)) {
		steps |= _BV(STEPS_ALARM_ENTERS);
		steps &= (uint8_t)~_BV(STEPS_ALARM);
		alarm();
		steps &= (uint8_t)~_BV(STEPS_ALARM_ENTERS);
	}
	if (steps & _BV(STEPS_TICK)) {
		steps &= (uint8_t)~_BV(STEPS_TICK);
		tick();
	}
}

/* Neither can come again before its flags are set: the timer needs far longer to match again. */
void __vector_alarm(void) __attribute__((interrupt, used));
void __vector_alarm(void)
{
	if (steps & STEPS_ALL)
		steps |= _BV(STEPS_ALARM);
	else
		alarm();
	steps &= (uint8_t)~_BV(STEPS_ALARM_ENTERS);
	leave();
}

ISR(TIMER1_COMPA_vect, ISR_NAKED)
{
	__asm__ volatile("sbi %[flags], %[enters]\n"
			 "jmp __vector_alarm\n" ::[flags] "n"(_SFR_IO_ADDR(steps)),
			 [enters] "n"(STEPS_ALARM_ENTERS));
}

ISR(TIMER1_COMPB_vect, ISR_NOBLOCK)
{
	cli(); /* the timer's 16-bit registers share one byte */
	OCR1B += (uint16_t)TICKS_US(PROTO_TICK_US);
	sei();
	if (steps & (STEPS_ALL | _BV(STEPS_ALARM_ENTERS)))
		steps |= _BV(STEPS_TICK);
	else
		tick();
}

#if ROWS_AXES
#include "steps.h"
#endif

/* Between two conversions lie 104 µs; should this be held up for longer, it has done its part. While the alarm waits for its
 * moment it is kept out, too. */
void __vector_adc(void) __attribute__((interrupt, used));
void __vector_adc(void)
{
	core_on_adc();
}

ISR(ADC_vect, ISR_NAKED)
{
	__asm__ volatile("push r24\n"
			 "in r24, __SREG__\n"
			 "push r24\n"
			 "lds r24, %[alarm]\n"
			 "tst r24\n"
			 "brne 1f\n"
			 "pop r24\n"
			 "out __SREG__, r24\n"
			 "pop r24\n"
			 "jmp __vector_adc\n"
			 "1: sts %[missed], r24\n"
			 "pop r24\n"
			 "out __SREG__, r24\n"
			 "pop r24\n"
			 "reti\n" ::[alarm] "i"(&alarm_active),
			 [missed] "i"(&adc_missed));
}

#include "capture.h"

void board_alarm_mask(uint8_t masked)
{
	alarm_masked = masked;
	if (masked)
		return;
	if (alarm_missed)
		run_alarm();
	if (tick_missed)
		run_tick();
}

/* ---- start ---------------------------------------------------------------------------------------------------------- */

static uint8_t reset_cause __attribute__((section(".noinit")));

/* Before anything else: after a watchdog reset the watchdog still runs, at its shortest. */
void early(void) __attribute__((naked, used, section(".init3")));
void early(void)
{
	reset_cause = MCUSR;
	MCUSR = 0;
	wdt_disable();
}

static uint32_t count_boot(void)
{
	static uint32_t EEMEM boots;
	uint32_t count = eeprom_read_dword(&boots);
	count = count == 0xffffffff ? 1 : count + 1;
	eeprom_update_dword(&boots, count);
	return count;
}

static void ports(void)
{
	/* The value before the direction: no glitch away from SAFE. Where the loops' pull-ups are on the outputs' port
	 * they come with that value. */
	BOARD_OUT_PORT = BOARD_OUT(CORE_SAFE_PORT);
	BOARD_OUT_DDR = BOARD_OUT_MASK;
	BOARD_ENABLE_DDR |= _BV(BOARD_ENABLE_BIT);
#if ROWS_AXES
	DDRC |= (uint8_t)~_BV(PC7); /* steps and directions: low */
#endif
#if ROWS_DUTIES
	DDRL = _BV(PL4) | _BV(PL5);
#endif
	DDRB |= _BV(BOARD_LED_BIT);
	PORTD |= 3 << BOARD_LOOPS_BIT;
	EICRA = _BV(ISC01) | _BV(ISC00) | _BV(ISC11) | _BV(ISC10); /* rising = opening */
	EIFR = _BV(INTF0) | _BV(INTF1);
	EIMSK = _BV(INT0) | _BV(INT1);
}

static void peripherals(void)
{
	GTCCR = _BV(TSM) | _BV(PSRSYNC); /* timers start as one */
	TCCR1A = 0;
	TCNT1 = 0;
#ifdef TCCR4B
	TCCR4A = 0;
	TCNT4 = 0;
#endif
#if ROWS_AXES
	TCCR3A = 0;
	TCNT3 = 0;
#endif
#if ROWS_DUTIES
	TCCR5A = 0;
	TCNT5 = 0;
	ICR5 = BOARD_PWM_TOP; /* before the clock: emulators take the period when that is written */
#endif
	TCCR1B = _BV(CS11);
#ifdef TCCR4B
	TCCR4B = _BV(CS41);
#endif
#if ROWS_AXES
	TCCR3B = _BV(CS31);
#endif
#if ROWS_DUTIES
	TCCR5B = _BV(WGM53) | _BV(WGM52) | _BV(CS51);
#endif
	GTCCR = 0;
	OCR1B = TCNT1 + (uint16_t)TICKS_US(PROTO_TICK_US);
	TIMSK1 = _BV(TOIE1) | _BV(OCIE1A) | _BV(OCIE1B);
	ADCSRA = BOARD_ADC; /* 125 kHz */
	UCSR0A = _BV(U2X0); /* before the divisor: emulators take the speed when that is written */
	UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
	UBRR0 = F_CPU / 8 / PROTO_BAUD - 1;
	UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
}

int main(void)
{
	ports();
	uint32_t boots = count_boot();
	peripherals();
	core_init(boots, reset_cause & 0x0f);
	wdt_enable(WDTO_60MS);
	sei();
	SMCR = 0; /* idle: timers, UART and ADC go on */
	for (;;) {
		core_poll();
		cli();
		if (rx_tail == rx_head) {
			sleep_enable();
			sei();
			sleep_cpu();
			sleep_disable();
		}
		sei();
	}
}
