/* The common packages of ROS 2, written down from their published interfaces, for recordings that carry no definitions:
 * rosbag2's sqlite3 files from before ROS 2 Iron. A type of another version of a package would be read wrongly, so that a
 * message must also fit to its last byte (see read_sqlite3.c). */
#include "fields.h"

static const char *const definitions[][2] = {
	{"std_msgs/Bool", "bool data"},
	{"std_msgs/Byte", "byte data"},
	{"std_msgs/Char", "char data"},
	{"std_msgs/Empty", ""},
	{"std_msgs/Float32", "float32 data"},
	{"std_msgs/Float64", "float64 data"},
	{"std_msgs/Int8", "int8 data"},
	{"std_msgs/Int16", "int16 data"},
	{"std_msgs/Int32", "int32 data"},
	{"std_msgs/Int64", "int64 data"},
	{"std_msgs/UInt8", "uint8 data"},
	{"std_msgs/UInt16", "uint16 data"},
	{"std_msgs/UInt32", "uint32 data"},
	{"std_msgs/UInt64", "uint64 data"},
	{"std_msgs/String", "string data"},
	{"std_msgs/ColorRGBA", "float32 r\nfloat32 g\nfloat32 b\nfloat32 a"},
	{"std_msgs/Header", "builtin_interfaces/Time stamp\nstring frame_id"},
	{"std_msgs/MultiArrayDimension", "string label\nuint32 size\nuint32 stride"},
	{"std_msgs/MultiArrayLayout", "MultiArrayDimension[] dim\nuint32 data_offset"},
	{"std_msgs/Float32MultiArray", "MultiArrayLayout layout\nfloat32[] data"},
	{"std_msgs/Float64MultiArray", "MultiArrayLayout layout\nfloat64[] data"},
	{"std_msgs/Int32MultiArray", "MultiArrayLayout layout\nint32[] data"},
	{"std_msgs/UInt8MultiArray", "MultiArrayLayout layout\nuint8[] data"},
	{"rosgraph_msgs/Clock", "builtin_interfaces/Time clock"},
	{"geometry_msgs/Point", "float64 x\nfloat64 y\nfloat64 z"},
	{"geometry_msgs/Point32", "float32 x\nfloat32 y\nfloat32 z"},
	{"geometry_msgs/Vector3", "float64 x\nfloat64 y\nfloat64 z"},
	{"geometry_msgs/Quaternion", "float64 x\nfloat64 y\nfloat64 z\nfloat64 w"},
	{"geometry_msgs/Pose", "Point position\nQuaternion orientation"},
	{"geometry_msgs/Pose2D", "float64 x\nfloat64 y\nfloat64 theta"},
	{"geometry_msgs/Twist", "Vector3 linear\nVector3 angular"},
	{"geometry_msgs/Accel", "Vector3 linear\nVector3 angular"},
	{"geometry_msgs/Wrench", "Vector3 force\nVector3 torque"},
	{"geometry_msgs/Transform", "Vector3 translation\nQuaternion rotation"},
	{"geometry_msgs/PoseWithCovariance", "Pose pose\nfloat64[36] covariance"},
	{"geometry_msgs/TwistWithCovariance", "Twist twist\nfloat64[36] covariance"},
	{"geometry_msgs/AccelWithCovariance", "Accel accel\nfloat64[36] covariance"},
	{"geometry_msgs/PointStamped", "std_msgs/Header header\nPoint point"},
	{"geometry_msgs/Vector3Stamped", "std_msgs/Header header\nVector3 vector"},
	{"geometry_msgs/QuaternionStamped", "std_msgs/Header header\nQuaternion quaternion"},
	{"geometry_msgs/PoseStamped", "std_msgs/Header header\nPose pose"},
	{"geometry_msgs/PoseArray", "std_msgs/Header header\nPose[] poses"},
	{"geometry_msgs/TwistStamped", "std_msgs/Header header\nTwist twist"},
	{"geometry_msgs/AccelStamped", "std_msgs/Header header\nAccel accel"},
	{"geometry_msgs/WrenchStamped", "std_msgs/Header header\nWrench wrench"},
	{"geometry_msgs/PoseWithCovarianceStamped",
	 "std_msgs/Header header\nPoseWithCovariance pose"},
	{"geometry_msgs/TwistWithCovarianceStamped",
	 "std_msgs/Header header\nTwistWithCovariance twist"},
	{"geometry_msgs/TransformStamped",
	 "std_msgs/Header header\nstring child_frame_id\nTransform transform"},
	{"tf2_msgs/TFMessage", "geometry_msgs/TransformStamped[] transforms"},
	{"nav_msgs/Odometry",
	 "std_msgs/Header header\nstring child_frame_id\ngeometry_msgs/PoseWithCovariance pose\n"
	 "geometry_msgs/TwistWithCovariance twist"},
	{"nav_msgs/Path", "std_msgs/Header header\ngeometry_msgs/PoseStamped[] poses"},
	{"sensor_msgs/Imu",
	 "std_msgs/Header header\ngeometry_msgs/Quaternion orientation\n"
	 "float64[9] orientation_covariance\ngeometry_msgs/Vector3 angular_velocity\n"
	 "float64[9] angular_velocity_covariance\ngeometry_msgs/Vector3 linear_acceleration\n"
	 "float64[9] linear_acceleration_covariance"},
	{"sensor_msgs/JointState",
	 "std_msgs/Header header\nstring[] name\nfloat64[] position\nfloat64[] velocity\n"
	 "float64[] effort"},
	{"sensor_msgs/Temperature",
	 "std_msgs/Header header\nfloat64 temperature\nfloat64 variance"},
	{"sensor_msgs/RelativeHumidity",
	 "std_msgs/Header header\nfloat64 relative_humidity\nfloat64 variance"},
	{"sensor_msgs/Illuminance",
	 "std_msgs/Header header\nfloat64 illuminance\nfloat64 variance"},
	{"sensor_msgs/FluidPressure",
	 "std_msgs/Header header\nfloat64 fluid_pressure\nfloat64 variance"},
	{"sensor_msgs/MagneticField",
	 "std_msgs/Header header\ngeometry_msgs/Vector3 magnetic_field\n"
	 "float64[9] magnetic_field_covariance"},
	{"sensor_msgs/LaserScan",
	 "std_msgs/Header header\nfloat32 angle_min\nfloat32 angle_max\nfloat32 angle_increment\n"
	 "float32 time_increment\nfloat32 scan_time\nfloat32 range_min\nfloat32 range_max\n"
	 "float32[] ranges\nfloat32[] intensities"},
	{"sensor_msgs/NavSatStatus", "int8 status\nuint16 service"},
	{"sensor_msgs/NavSatFix",
	 "std_msgs/Header header\nNavSatStatus status\nfloat64 latitude\nfloat64 longitude\n"
	 "float64 altitude\nfloat64[9] position_covariance\nuint8 position_covariance_type"},
	{"sensor_msgs/Joy", "std_msgs/Header header\nfloat32[] axes\nint32[] buttons"},
	{"sensor_msgs/CompressedImage", "std_msgs/Header header\nstring format\nuint8[] data"},
	{"sensor_msgs/Image",
	 "std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\n"
	 "uint8 is_bigendian\nuint32 step\nuint8[] data"},
	{"sensor_msgs/PointField", "string name\nuint32 offset\nuint8 datatype\nuint32 count"},
	{"sensor_msgs/PointCloud2",
	 "std_msgs/Header header\nuint32 height\nuint32 width\nPointField[] fields\n"
	 "bool is_bigendian\nuint32 point_step\nuint32 row_step\nuint8[] data\nbool is_dense"},
	{"sensor_msgs/TimeReference",
	 "std_msgs/Header header\nbuiltin_interfaces/Time time_ref\nstring source"},
	{"diagnostic_msgs/KeyValue", "string key\nstring value"},
	{"diagnostic_msgs/DiagnosticStatus",
	 "byte level\nstring name\nstring message\nstring hardware_id\nKeyValue[] values"},
	{"diagnostic_msgs/DiagnosticArray", "std_msgs/Header header\nDiagnosticStatus[] status"},
	{"rcl_interfaces/Log",
	 "builtin_interfaces/Time stamp\nuint8 level\nstring name\nstring msg\nstring file\n"
	 "string function\nuint32 line"},
	{"rcl_interfaces/ParameterValue",
	 "uint8 type\nbool bool_value\nint64 integer_value\nfloat64 double_value\n"
	 "string string_value\nbyte[] byte_array_value\nbool[] bool_array_value\n"
	 "int64[] integer_array_value\nfloat64[] double_array_value\nstring[] string_array_value"},
	{"rcl_interfaces/Parameter", "string name\nParameterValue value"},
	{"rcl_interfaces/ParameterEvent",
	 "builtin_interfaces/Time stamp\nstring node\nParameter[] new_parameters\n"
	 "Parameter[] changed_parameters\nParameter[] deleted_parameters"},
	{"service_msgs/ServiceEventInfo",
	 "uint8 event_type\nbuiltin_interfaces/Time stamp\nchar[16] client_gid\n"
	 "int64 sequence_number"},
	{"foxglove_msgs/CompressedVideo",
	 "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format"},
	{"foxglove_msgs/CompressedImage",
	 "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format"},
	/* of ROS 2's own tests, which its sample recordings use */
	{"test_msgs/Empty", ""},
	{"test_msgs/Strings",
	 "string string_value\nstring string_value_default1\nstring string_value_default2\n"
	 "string string_value_default3\nstring string_value_default4\n"
	 "string string_value_default5\nstring bounded_string_value\n"
	 "string bounded_string_value_default1\nstring bounded_string_value_default2\n"
	 "string bounded_string_value_default3\nstring bounded_string_value_default4\n"
	 "string bounded_string_value_default5"},
	{"test_msgs/BasicTypes",
	 "bool bool_value\nbyte byte_value\nchar char_value\nfloat32 float32_value\n"
	 "float64 float64_value\nint8 int8_value\nuint8 uint8_value\nint16 int16_value\n"
	 "uint16 uint16_value\nint32 int32_value\nuint32 uint32_value\nint64 int64_value\n"
	 "uint64 uint64_value"},
};

static TypeSet *read_standard(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	for (size_t i = 1; i < G_N_ELEMENTS(definitions); i++)
		g_string_append_printf(text, "\nMSG: %s\n%s\n", definitions[i][0],
				       definitions[i][1]);
	g_string_prepend(text, definitions[0][1]);
	TypeSet *set =
		ros_definition_parse(text->str, text->len, definitions[0][0], false, NULL, &error);
	if (!set)
		g_error("the built-in definitions: %s", error->message);
	return set;
}

const TypeSet *ros_standard_types(void)
{
	static gsize ready;
	static TypeSet *set;
	if (g_once_init_enter(&ready)) {
		set = read_standard();
		g_once_init_leave(&ready, 1);
	}
	return set;
}
