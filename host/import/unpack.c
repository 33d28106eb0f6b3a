/* rosbag2's compression mode MESSAGE: each message is a zstd frame, in sqlite3 and MCAP alike; nothing in the file itself says
 * so. CDR begins with 0, zstd with 28 b5 2f fd (RFC 8878, 3.1.1), so that the bytes say it. */
#include "intake.h"
#include <zstd.h>

#define MOST_MESSAGE (256u << 20)

bool unpacker_open(Unpacker *u, const uint8_t **data, size_t *size)
{
	if (*size < 4 || le32(*data) != 0xfd2fb528)
		return true;
	unsigned long long n = ZSTD_getFrameContentSize(*data, *size);
	if (n == ZSTD_CONTENTSIZE_UNKNOWN || n == ZSTD_CONTENTSIZE_ERROR || n > MOST_MESSAGE)
		return false;
	if (!u->zstd)
		u->zstd = ZSTD_createDCtx();
	g_free(u->bytes);
	u->bytes = g_malloc((gsize)n + 1);
	size_t made = ZSTD_decompressDCtx(u->zstd, u->bytes, (size_t)n, *data, *size);
	if (ZSTD_isError(made))
		return false;
	*data = u->bytes;
	*size = made;
	return true;
}

void unpacker_clear(Unpacker *u)
{
	ZSTD_freeDCtx(u->zstd);
	g_free(u->bytes);
	*u = (Unpacker){0};
}
