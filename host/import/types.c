/* Schemas by their encoding's name. */
#include "intake.h"

const MessageType *intake_types(Intake *in, const char *encoding, const char *root,
				const uint8_t *data, size_t size, char **ret_why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TypeSet) set = NULL;
	g_autofree char *name = NULL;
	const char *text = (const char *)data;
	if (!strcmp(encoding, "ros1msg") || !strcmp(encoding, "ros2msg")) {
		bool ros1 = encoding[3] == '1';
		name = ros_type_name(root);
		set = ros_definition_parse(text, size, root, ros1,
					   ros1 ? NULL : ros_standard_types(), &error);
	} else if (!strcmp(encoding, "ros2idl")) {
		name = ros_type_name(root);
		set = idl_definition_parse(text, size, root, &error);
	} else if (!strcmp(encoding, "protobuf")) {
		name = g_strdup(root);
		set = proto_descriptor_parse(data, size, &error);
	} else {
		*ret_why =
			g_strdup_printf("its schema is in '%s', which is not known here", encoding);
		return NULL;
	}
	const MessageType *type = set ? type_set_find(set, name) : NULL;
	const char *missing = type ? message_type_missing(type) : NULL;
	if (!set)
		*ret_why = g_strdup(error->message);
	else if (!type)
		*ret_why = g_strdup_printf("its schema does not define %s", root);
	else if (missing)
		*ret_why = g_strdup_printf("its schema does not define %s, which it uses", missing);
	if (!type || missing)
		return NULL;
	intake_keep_types(in, g_steal_pointer(&set));
	return type;
}
