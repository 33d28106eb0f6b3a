#include "card.h"

#include <math.h>

const uint8_t card_pattern[CARD_CELLS][CARD_CELLS] = {
	{1, 1, 1, 0, 1}, {1, 0, 0, 0, 1}, {1, 0, 1, 1, 0}, {0, 0, 1, 0, 0}, {1, 1, 0, 1, 0}};

enum { ALL = CARD_CELLS + 2 }; /* with the margin */

static double pattern_at(int row, int column)
{
	if (row < 1 || row > CARD_CELLS || column < 1 || column > CARD_CELLS)
		return 0;
	return card_pattern[row - 1][column - 1];
}

static double pixel(const uint8_t *grey, int width, int height, double x, double y)
{
	x = fmin(fmax(x, 0), width - 1.001);
	y = fmin(fmax(y, 0), height - 1.001);
	int i = (int)x, j = (int)y;
	double a = x - i, b = y - j;
	const uint8_t *p = grey + j * width + i;
	return (1 - b) * ((1 - a) * p[0] + a * p[1]) + b * ((1 - a) * p[width] + a * p[width + 1]);
}

/* Pearson's correlation of the cells' middles with the pattern. */
static double correlate(const uint8_t *grey, int width, int height, double x, double y, double w,
			double h)
{
	double sum = 0, sum2 = 0, want = 0, want2 = 0, both = 0, n = ALL * ALL;

	for (int row = 0; row < ALL; row++) {
		for (int column = 0; column < ALL; column++) {
			double v = pixel(grey, width, height, x + (column + 0.5) * w / ALL - 0.5,
					 y + (row + 0.5) * h / ALL - 0.5);
			double p = pattern_at(row, column);
			sum += v;
			sum2 += v * v;
			want += p;
			want2 += p * p;
			both += v * p;
		}
	}
	double spread = (n * sum2 - sum * sum) * (n * want2 - want * want);
	/* A flat patch has noise for a pattern: less than 6 steps of contrast is no card. */
	if (n * sum2 - sum * sum < n * n * 36)
		return 0;
	return (n * both - sum * want) / sqrt(spread);
}

double card_match(const uint8_t *grey, int width, int height, int x0, int y0, int x1, int y1)
{
	double best = 0;

	/* The region comes from changed pixels: its edges are off by a pixel or two. */
	for (int left = -2; left <= 2; left++)
		for (int top = -2; top <= 2; top++)
			for (int grow = -2; grow <= 3; grow++)
				best = fmax(best,
					    correlate(grey, width, height, x0 + left, y0 + top,
						      x1 - x0 + grow, y1 - y0 + grow));
	return best;
}
