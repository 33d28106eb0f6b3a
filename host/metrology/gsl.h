/* Private to metrology: GSL that says NaN instead of ending the program. */
#ifndef ANZEN_METROLOGY_GSL_H
#define ANZEN_METROLOGY_GSL_H

/* Before the first call of a GSL function whose default handler aborts; cheap afterwards. Any thread. */
void metrology_quiet_gsl(void);

#endif
