/* Edges of in.0 … in.3, a part of main.c. in.0: the timer's capture unit notes the moment of one kind of edge, which is then
 * turned round; an edge that comes before that is done is noted as soon as it is seen. in.1 … in.3: the moment is that of the
 * interrupt.
 *
 * Both vectors take the moment, turn themselves off, let others in, and are on again only in their last instructions: however
 * an input flutters, neither is ever on top of itself. What came meanwhile is looked for then: a chip remembers it, an
 * emulator may not. Interrupts are off for 30 cycles at the beginning and 29 at the end. When the ring is full they stay off:
 * an input costs the node a ring's worth of edges for each turn of main, not its time. */

#ifndef BOARD_CAPTURE_VECT /* only named */
#define BOARD_CAPTURE_FLAGS TIFR1
#define BOARD_CAPTURE_BIT 0
#else
static volatile uint16_t capture_stamp __attribute__((used));
void capture_edge(void) __attribute__((noinline, used));
#endif
static volatile uint16_t change_stamp __attribute__((used));
static volatile uint8_t change_pins
	__attribute__((used)); /* port B: as it was; then, as it was told */
void change_edge(void) __attribute__((noinline, used));

/* A timer's low byte read first latches the high one. `take`: what else is noted; `look`: r24 is 0 when nothing came. */
#define EDGES_VECTOR(vector, routine, from, to, mask, on, off, take, look)                    \
	ISR(vector, ISR_NAKED)                                                                \
	{                                                                                     \
		__asm__ volatile(                                                             \
			"push r24\n"                                                          \
			"push r25\n"                                                          \
			"in r24, __SREG__\n"                                                  \
			"push r24\n"                                                          \
			"1: lds r24, %[low]\n"                                                \
			"lds r25, %[low]+1\n"                                                 \
			"sts %[stamp], r24\n"                                                 \
			"sts %[stamp]+1, r25\n" take "ldi r24, %[closed]\n"                   \
			"sts %[control], r24\n"                                               \
			"sei\n"                                                               \
			"push r0\n"                                                           \
			"push r1\n"                                                           \
			"push r18\n"                                                          \
			"push r19\n"                                                          \
			"push r20\n"                                                          \
			"push r21\n"                                                          \
			"push r22\n"                                                          \
			"push r23\n"                                                          \
			"push r26\n"                                                          \
			"push r27\n"                                                          \
			"push r30\n"                                                          \
			"push r31\n"                                                          \
			"clr r1\n"                                                            \
			"call " #routine "\n"                                                 \
			"pop r31\n"                                                           \
			"pop r30\n"                                                           \
			"pop r27\n"                                                           \
			"pop r26\n"                                                           \
			"pop r23\n"                                                           \
			"pop r22\n"                                                           \
			"pop r21\n"                                                           \
			"pop r20\n"                                                           \
			"pop r19\n"                                                           \
			"pop r18\n"                                                           \
			"pop r1\n"                                                            \
			"pop r0\n"                                                            \
			"cli\n"                                                               \
			"lds r24, %[full]\n"                                                  \
			"tst r24\n"                                                           \
			"brne 2f\n"                                                           \
			"ldi r24, %[open]\n"                                                  \
			"sts %[control], r24\n" look "brne 3f\n"                              \
			"2: pop r24\n"                                                        \
			"out __SREG__, r24\n"                                                 \
			"pop r25\n"                                                           \
			"pop r24\n"                                                           \
			"reti\n"                                                              \
			"3: ldi r24, %[closed]\n"                                             \
			"sts %[control], r24\n"                                               \
			"sei\n"                                                               \
			"nop\n"                                                               \
			"cli\n"                                                               \
			"rjmp 1b\n" ::[low] "n"(_SFR_MEM_ADDR(from)),                         \
			[stamp] "i"(&to), [control] "n"(_SFR_MEM_ADDR(mask)), [open] "M"(on), \
			[full] "i"(&node_state.edges_off), [closed] "M"(off),                 \
			[changes] "n"(_SFR_IO_ADDR(PCIFR)), [pins] "n"(_SFR_IO_ADDR(PINB)),   \
			[seen] "i"(&change_pins), [wanted] "n"(_SFR_MEM_ADDR(PCMSK0)),        \
			[flags] "n"(_SFR_IO_ADDR(BOARD_CAPTURE_FLAGS)),                       \
			[flag] "n"(BOARD_CAPTURE_BIT));                                       \
	}

#ifdef BOARD_CAPTURE_VECT
EDGES_VECTOR(BOARD_CAPTURE_VECT, capture_edge, BOARD_CAPTURE_ICR, capture_stamp, BOARD_CAPTURE_MASK,
	     BOARD_CAPTURE_MASK_ON, BOARD_CAPTURE_MASK_OFF,
	     "ldi r24, 1 << %[flag]\n" /* this one only: the others are the clock's */
	     "out %[flags], r24\n",
	     "in r24, %[flags]\n"
	     "andi r24, 1 << %[flag]\n")
#endif
/* A change after the flag is cleared raises it again; the pins are read after that, so none is missed. */
EDGES_VECTOR(PCINT0_vect, change_edge, TCNT1, change_stamp, PCICR, 1, 0,
	     "sbi %[changes], 0\n"
	     "in r24, %[pins]\n"
	     "sts %[seen], r24\n",
	     "in r24, %[pins]\n"
	     "lds r25, %[seen]\n"
	     "eor r24, r25\n"
	     "lds r25, %[wanted]\n"
	     "and r24, r25\n")

#ifdef BOARD_CAPTURE_VECT
static uint16_t capture_now(void)
{
	board_irq irq = board_irq_off();
	uint16_t now = board_now16();
	board_irq_restore(irq);
	return now;
}

/* The unit shall see the next edge away from what was told last. */
static void capture_next(void)
{
	for (uint8_t turn = 0; turn < 2 && !node.edges_off; turn++) {
		uint8_t told = node.captured & PROTO_INPUT_IN0;
		BOARD_CAPTURE_CONTROL = told ? BOARD_CAPTURE_FALLING : BOARD_CAPTURE_RISING;
		BOARD_CAPTURE_FLAGS = BOARD_CAPTURE_FLAG;
		uint8_t is = board_inputs() & PROTO_INPUT_IN0;
		if (is == told || (BOARD_CAPTURE_FLAGS & BOARD_CAPTURE_FLAG))
			return;
		core_on_edges(PROTO_INPUT_IN0, is, capture_now());
	}
}

void capture_edge(void)
{
	uint8_t rising = BOARD_CAPTURE_CONTROL == BOARD_CAPTURE_RISING;
	if (BOARD_CAPTURE_FLAGS & BOARD_CAPTURE_FLAG)
		edges_lose(2); /* back and there again meanwhile */
	core_on_edges(PROTO_INPUT_IN0, rising ? PROTO_INPUT_IN0 : 0, capture_stamp);
	capture_next();
}

#define CHANGE_INPUTS (PROTO_INPUT_IN0 << 1 | PROTO_INPUT_IN0 << 2 | PROTO_INPUT_IN0 << 3)
#else /* timer 1 is the clock: its flags are not shared */
#define CHANGE_INPUTS (15 * PROTO_INPUT_IN0)
#endif
void change_edge(void)
{
	core_on_edges(CHANGE_INPUTS, BOARD_CHANGED(change_pins), change_stamp);
}

void board_edges_off(void)
{
	PCICR = 0;
#ifdef BOARD_CAPTURE_VECT
	BOARD_CAPTURE_MASK = BOARD_CAPTURE_MASK_OFF;
#endif
}

/* What changed since the levels were told has raised the flag. */
void board_edges_on(uint8_t inputs)
{
	PCMSK0 = BOARD_CHANGES(inputs);
	if (inputs & CHANGE_INPUTS)
		PCICR = _BV(PCIE0);
#ifdef BOARD_CAPTURE_VECT
	if (!(inputs & PROTO_INPUT_IN0))
		return;
	capture_next();
	BOARD_CAPTURE_MASK = BOARD_CAPTURE_MASK_ON;
#endif
}
