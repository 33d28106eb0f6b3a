/* A definition of ROS 1, ROS 2 or IDL, a NUL, then a message of it: first byte & 3 says which. */
#include "import_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const roots[] = {"p/msg/T", "p/T", "p/msg/T", "p/msg/T_Event"};
	static const IntakeWire wires[] = {WIRE_OF_CDR, WIRE_OF_ROS1, WIRE_OF_CDR, WIRE_OF_CDR};
	g_autoptr(GError) error = NULL;
	if (size < 2 || size > MOST_BYTES)
		return 0;
	unsigned kind = data[0] & 3;
	const char *text = (const char *)data + 1;
	size_t n = strnlen(text, size - 1);
	g_autoptr(TypeSet) set =
		kind == 2 ? idl_definition_parse(text, n, roots[kind], &error)
			  : ros_definition_parse(text, n, roots[kind], kind == 1,
						 kind == 1 ? NULL : ros_standard_types(), &error);
	g_assert(!set == (error != NULL));
	g_autofree char *name = ros_type_name(roots[kind]);
	const MessageType *type = set ? type_set_find(set, name) : NULL;
	if (type && !message_type_missing(type) && n + 1 < size)
		import_fuzz_message(type, wires[kind], data + n + 2, size - n - 2);
	return 0;
}
