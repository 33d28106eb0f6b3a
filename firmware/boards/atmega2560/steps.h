/* The axes' step interrupts, a part of main.c. The edge comes first, then others may come, then the next moment is set.
 * Written out because it is what limits the step rate; core_on_step() says the same. Interrupts are off for 11 cycles after
 * entering and, as the timer's 16-bit registers share a byte, for 9 more. The last step of a run goes on in C. */

void __vector_step_leave(void) __attribute__((signal, used));
void __vector_step_leave(void)
{
	leave();
}

#define STEP(vector, axis, pin, compare, routine)                                                                       \
	void routine(void) __attribute__((signal, used));                                                               \
	void routine(void)                                                                                              \
	{                                                                                                               \
		core_on_run_end(axis);                                                                                  \
		steps &= (uint8_t)~_BV(axis);                                                                           \
		leave();                                                                                                \
	}                                                                                                               \
	ISR(vector, ISR_NAKED)                                                                                          \
	{                                                                                                               \
		__asm__ volatile(                                                                                       \
			"sbic %[port], %[bit]\n" /* still high: two pulses will be one, which the tick tells */         \
			"sbi %[flags], %[merged]\n"                                                                     \
			"sbi %[port], %[bit]\n"                                                                         \
			"sbi %[flags], %[number]\n"                                                                     \
			"push r24\n"                                                                                    \
			"in r24, __SREG__\n"                                                                            \
			"sei\n"                                                                                         \
			"ori r24, 0x80\n"                                                                               \
			"push r24\n"                                                                                    \
			"lds r24, %[left]\n"                                                                            \
			"dec r24\n"                                                                                     \
			"breq 1f\n"                                                                                     \
			"sts %[left], r24\n"                                                                            \
			"push r25\n"                                                                                    \
			"push r26\n"                                                                                    \
			"push r27\n"                                                                                    \
			"lds r24, %[fraction]\n"                                                                        \
			"lds r25, %[more]\n"                                                                            \
			"add r24, r25\n"                                                                                \
			"sts %[fraction], r24\n"                                                                        \
			"lds r24, %[next]\n"                                                                            \
			"lds r25, %[interval]\n"                                                                        \
			"adc r24, r25\n"                                                                                \
			"sts %[next], r24\n"                                                                            \
			"lds r25, %[next]+1\n"                                                                          \
			"lds r26, %[interval]+1\n"                                                                      \
			"adc r25, r26\n"                                                                                \
			"sts %[next]+1, r25\n"                                                                          \
			"cli\n"                                                                                         \
			"lds r26, %[count]\n"                                                                           \
			"lds r27, %[count]+1\n"                                                                         \
			"sub r26, r24\n"                                                                                \
			"sbc r27, r25\n"                                                                                \
			"adiw r26, %[soon]\n"                                                                           \
			"brpl 2f\n"                                                                                     \
			"sts %[ocr]+1, r25\n"                                                                           \
			"sts %[ocr], r24\n"                                                                             \
			"sei\n"                                                                                         \
			"3: cbi %[port], %[bit]\n"                                                                      \
			"pop r27\n"                                                                                     \
			"pop r26\n"                                                                                     \
			"pop r25\n"                                                                                     \
			"cbi %[flags], %[number]\n"                                                                     \
			"in r24, %[flags]\n"                                                                            \
			"tst r24\n"                                                                                     \
			"brne 4f\n"                                                                                     \
			"5: pop r24\n"                                                                                  \
			"out __SREG__, r24\n"                                                                           \
			"pop r24\n"                                                                                     \
			"reti\n"                                                                                        \
			"1: pop r24\n"                                                                                  \
			"out __SREG__, r24\n"                                                                           \
			"pop r24\n"                                                                                     \
			"jmp " #routine "\n"                                                                            \
			"2: cbi %[port], %[bit]\n" /* others kept us long: the pulse ends first, or two could be one */ \
			"tst r27\n"                                                                                     \
			"brne 6f\n"                                                                                     \
			"cpi r26, %[soon] - %[late]\n"                                                                  \
			"brsh 6f\n"                                                                                     \
			"7: sts %[ocr]+1, r25\n"                                                                        \
			"sts %[ocr], r24\n"                                                                             \
			"sei\n"                                                                                         \
			"rjmp 3b\n"                                                                                     \
			"6: lds r24, %[count]\n" /* at once */                                                          \
			"lds r25, %[count]+1\n"                                                                         \
			"adiw r24, %[late]\n"                                                                           \
			"rjmp 7b\n"                                                                                     \
			"4: andi r24, %[all]\n"                                                                         \
			"brne 5b\n"                                                                                     \
			"pop r24\n"                                                                                     \
			"out __SREG__, r24\n"                                                                           \
			"pop r24\n"                                                                                     \
			"jmp __vector_step_leave\n" ::[port] "n"(_SFR_IO_ADDR(PORTC)),                                  \
			[bit] "n"(pin), [left] "i"(&node_state.stepper[axis].left),                                     \
			[fraction] "i"(&node_state.stepper[axis].fraction),                                             \
			[more] "i"(&node_state.stepper[axis].interval_fraction),                                        \
			[next] "i"(&node_state.stepper[axis].next),                                                     \
			[interval] "i"(&node_state.stepper[axis].interval),                                             \
			[ocr] "n"(_SFR_MEM_ADDR(compare)), [count] "n"(_SFR_MEM_ADDR(TCNT3L)),                          \
			[late] "n"(BOARD_AXIS_LATE), [soon] "n"(40),                                                    \
			[flags] "n"(_SFR_IO_ADDR(steps)), [number] "n"(axis),                                           \
			[merged] "n"(BOARD_STEP_MERGED), [all] "n"(STEPS_ALL));                                         \
	}
STEP(TIMER3_COMPA_vect, 0, PC1, OCR3A, __vector_step0)
STEP(TIMER3_COMPB_vect, 1, PC3, OCR3B, __vector_step1)
STEP(TIMER3_COMPC_vect, 2, PC5, OCR3C, __vector_step2)
