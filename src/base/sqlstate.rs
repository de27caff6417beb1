//! SQLSTATE codes by PostgreSQL's names (`src/backend/utils/errcodes.txt`).

use std::fmt;

/// Five characters that say what went wrong; the first two are its class.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState([u8; 5]);

macro_rules! sqlstates {
    ($($name:ident $code:literal $condition:literal;)*) => {
        impl SqlState {
            $(pub const $name: SqlState = SqlState::literal($code);)*

            /// The name that PL/pgSQL's EXCEPTION clauses use, `unique_violation` for 23505.
            pub fn condition(self) -> Option<&'static str> {
                match self { $(SqlState::$name => Some($condition),)* _ => None }
            }
        }
    };
}

impl SqlState {
    const fn literal(code: &str) -> SqlState {
        let b = code.as_bytes();
        SqlState([b[0], b[1], b[2], b[3], b[4]])
    }

    /// A code as it comes over the wire: five digits or upper-case letters.
    pub fn parse(code: &str) -> Option<SqlState> {
        let code = <[u8; 5]>::try_from(code.as_bytes()).ok()?;
        code.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()).then_some(SqlState(code))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a code is ASCII")
    }

    /// The first two characters.
    pub fn class(&self) -> &str {
        &self.as_str()[..2]
    }
}

impl Default for SqlState {
    fn default() -> Self {
        SqlState::INTERNAL_ERROR
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

sqlstates! {
    SUCCESSFUL_COMPLETION "00000" "successful_completion";
    WARNING "01000" "warning";
    NO_DATA "02000" "no_data";
    SQL_STATEMENT_NOT_YET_COMPLETE "03000" "sql_statement_not_yet_complete";
    CONNECTION_EXCEPTION "08000" "connection_exception";
    SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION "08001" "sqlclient_unable_to_establish_sqlconnection";
    CONNECTION_FAILURE "08006" "connection_failure";
    PROTOCOL_VIOLATION "08P01" "protocol_violation";
    FEATURE_NOT_SUPPORTED "0A000" "feature_not_supported";
    INVALID_GRANT_OPERATION "0LP01" "invalid_grant_operation";
    CASE_NOT_FOUND "20000" "case_not_found";
    CARDINALITY_VIOLATION "21000" "cardinality_violation";
    DATA_EXCEPTION "22000" "data_exception";
    STRING_DATA_RIGHT_TRUNCATION "22001" "string_data_right_truncation";
    NULL_VALUE_NO_INDICATOR "22002" "null_value_no_indicator_parameter";
    NUMERIC_VALUE_OUT_OF_RANGE "22003" "numeric_value_out_of_range";
    NULL_VALUE_NOT_ALLOWED "22004" "null_value_not_allowed";
    INVALID_DATETIME_FORMAT "22007" "invalid_datetime_format";
    DATETIME_FIELD_OVERFLOW "22008" "datetime_field_overflow";
    INVALID_TIME_ZONE_DISPLACEMENT_VALUE "22009" "invalid_time_zone_displacement_value";
    INVALID_USE_OF_ESCAPE_CHARACTER "2200C" "invalid_use_of_escape_character";
    INVALID_ESCAPE_OCTET "2200D" "invalid_escape_octet";
    SEQUENCE_GENERATOR_LIMIT_EXCEEDED "2200H" "sequence_generator_limit_exceeded";
    SUBSTRING_ERROR "22011" "substring_error";
    DIVISION_BY_ZERO "22012" "division_by_zero";
    INVALID_PRECEDING_OR_FOLLOWING_SIZE "22013" "invalid_preceding_or_following_size";
    INVALID_ARGUMENT_FOR_NTILE "22014" "invalid_argument_for_ntile_function";
    INTERVAL_FIELD_OVERFLOW "22015" "interval_field_overflow";
    INVALID_ARGUMENT_FOR_NTH_VALUE "22016" "invalid_argument_for_nth_value_function";
    INVALID_CHARACTER_VALUE_FOR_CAST "22018" "invalid_character_value_for_cast";
    INVALID_ESCAPE_CHARACTER "22019" "invalid_escape_character";
    INVALID_REGULAR_EXPRESSION "2201B" "invalid_regular_expression";
    INVALID_ARGUMENT_FOR_LOG "2201E" "invalid_argument_for_logarithm";
    INVALID_ARGUMENT_FOR_POWER_FUNCTION "2201F" "invalid_argument_for_power_function";
    INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION "2201G" "invalid_argument_for_width_bucket_function";
    INVALID_ROW_COUNT_IN_LIMIT_CLAUSE "2201W" "invalid_row_count_in_limit_clause";
    INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE "2201X" "invalid_row_count_in_result_offset_clause";
    CHARACTER_NOT_IN_REPERTOIRE "22021" "character_not_in_repertoire";
    INDICATOR_OVERFLOW "22022" "indicator_overflow";
    INVALID_PARAMETER_VALUE "22023" "invalid_parameter_value";
    UNTERMINATED_C_STRING "22024" "unterminated_c_string";
    INVALID_ESCAPE_SEQUENCE "22025" "invalid_escape_sequence";
    STRING_DATA_LENGTH_MISMATCH "22026" "string_data_length_mismatch";
    TRIM_ERROR "22027" "trim_error";
    ARRAY_SUBSCRIPT_ERROR "2202E" "array_subscript_error";
    FLOATING_POINT_EXCEPTION "22P01" "floating_point_exception";
    INVALID_TEXT_REPRESENTATION "22P02" "invalid_text_representation";
    INVALID_BINARY_REPRESENTATION "22P03" "invalid_binary_representation";
    BAD_COPY_FILE_FORMAT "22P04" "bad_copy_file_format";
    UNTRANSLATABLE_CHARACTER "22P05" "untranslatable_character";
    NONSTANDARD_USE_OF_ESCAPE_CHARACTER "22P06" "nonstandard_use_of_escape_character";
    INTEGRITY_CONSTRAINT_VIOLATION "23000" "integrity_constraint_violation";
    RESTRICT_VIOLATION "23001" "restrict_violation";
    NOT_NULL_VIOLATION "23502" "not_null_violation";
    FOREIGN_KEY_VIOLATION "23503" "foreign_key_violation";
    UNIQUE_VIOLATION "23505" "unique_violation";
    CHECK_VIOLATION "23514" "check_violation";
    EXCLUSION_VIOLATION "23P01" "exclusion_violation";
    INVALID_CURSOR_STATE "24000" "invalid_cursor_state";
    INVALID_TRANSACTION_STATE "25000" "invalid_transaction_state";
    ACTIVE_SQL_TRANSACTION "25001" "active_sql_transaction";
    BRANCH_TRANSACTION_ALREADY_ACTIVE "25002" "branch_transaction_already_active";
    INAPPROPRIATE_ACCESS_MODE_FOR_BRANCH_TRANSACTION "25003" "inappropriate_access_mode_for_branch_transaction";
    READ_ONLY_SQL_TRANSACTION "25006" "read_only_sql_transaction";
    NO_ACTIVE_SQL_TRANSACTION "25P01" "no_active_sql_transaction";
    IN_FAILED_SQL_TRANSACTION "25P02" "in_failed_sql_transaction";
    IDLE_IN_TRANSACTION_SESSION_TIMEOUT "25P03" "idle_in_transaction_session_timeout";
    INVALID_SQL_STATEMENT_NAME "26000" "invalid_sql_statement_name";
    TRIGGERED_DATA_CHANGE_VIOLATION "27000" "triggered_data_change_violation";
    INVALID_AUTHORIZATION_SPECIFICATION "28000" "invalid_authorization_specification";
    INVALID_PASSWORD "28P01" "invalid_password";
    DEPENDENT_OBJECTS_STILL_EXIST "2BP01" "dependent_objects_still_exist";
    INVALID_TRANSACTION_TERMINATION "2D000" "invalid_transaction_termination";
    INVALID_CURSOR_NAME "34000" "invalid_cursor_name";
    SAVEPOINT_EXCEPTION "3B000" "savepoint_exception";
    INVALID_SAVEPOINT_SPECIFICATION "3B001" "invalid_savepoint_specification";
    INVALID_CATALOG_NAME "3D000" "invalid_catalog_name";
    INVALID_SCHEMA_NAME "3F000" "invalid_schema_name";
    TRANSACTION_ROLLBACK "40000" "transaction_rollback";
    T_R_SERIALIZATION_FAILURE "40001" "serialization_failure";
    T_R_INTEGRITY_CONSTRAINT_VIOLATION "40002" "transaction_integrity_constraint_violation";
    T_R_STATEMENT_COMPLETION_UNKNOWN "40003" "statement_completion_unknown";
    T_R_DEADLOCK_DETECTED "40P01" "deadlock_detected";
    SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION "42000" "syntax_error_or_access_rule_violation";
    INSUFFICIENT_PRIVILEGE "42501" "insufficient_privilege";
    SYNTAX_ERROR "42601" "syntax_error";
    INVALID_NAME "42602" "invalid_name";
    INVALID_COLUMN_DEFINITION "42611" "invalid_column_definition";
    NAME_TOO_LONG "42622" "name_too_long";
    DUPLICATE_COLUMN "42701" "duplicate_column";
    AMBIGUOUS_COLUMN "42702" "ambiguous_column";
    UNDEFINED_COLUMN "42703" "undefined_column";
    UNDEFINED_OBJECT "42704" "undefined_object";
    DUPLICATE_OBJECT "42710" "duplicate_object";
    DUPLICATE_ALIAS "42712" "duplicate_alias";
    DUPLICATE_FUNCTION "42723" "duplicate_function";
    AMBIGUOUS_FUNCTION "42725" "ambiguous_function";
    GROUPING_ERROR "42803" "grouping_error";
    DATATYPE_MISMATCH "42804" "datatype_mismatch";
    WRONG_OBJECT_TYPE "42809" "wrong_object_type";
    INVALID_FOREIGN_KEY "42830" "invalid_foreign_key";
    CANNOT_COERCE "42846" "cannot_coerce";
    UNDEFINED_FUNCTION "42883" "undefined_function";
    GENERATED_ALWAYS "428C9" "generated_always";
    RESERVED_NAME "42939" "reserved_name";
    UNDEFINED_TABLE "42P01" "undefined_table";
    UNDEFINED_PARAMETER "42P02" "undefined_parameter";
    DUPLICATE_CURSOR "42P03" "duplicate_cursor";
    DUPLICATE_DATABASE "42P04" "duplicate_database";
    DUPLICATE_PREPARED_STATEMENT "42P05" "duplicate_prepared_statement";
    DUPLICATE_SCHEMA "42P06" "duplicate_schema";
    DUPLICATE_TABLE "42P07" "duplicate_table";
    AMBIGUOUS_PARAMETER "42P08" "ambiguous_parameter";
    AMBIGUOUS_ALIAS "42P09" "ambiguous_alias";
    INVALID_COLUMN_REFERENCE "42P10" "invalid_column_reference";
    INVALID_CURSOR_DEFINITION "42P11" "invalid_cursor_definition";
    INVALID_DATABASE_DEFINITION "42P12" "invalid_database_definition";
    INVALID_FUNCTION_DEFINITION "42P13" "invalid_function_definition";
    INVALID_PREPARED_STATEMENT_DEFINITION "42P14" "invalid_prepared_statement_definition";
    INVALID_SCHEMA_DEFINITION "42P15" "invalid_schema_definition";
    INVALID_TABLE_DEFINITION "42P16" "invalid_table_definition";
    INVALID_OBJECT_DEFINITION "42P17" "invalid_object_definition";
    INDETERMINATE_DATATYPE "42P18" "indeterminate_datatype";
    INVALID_RECURSION "42P19" "invalid_recursion";
    WINDOWING_ERROR "42P20" "windowing_error";
    COLLATION_MISMATCH "42P21" "collation_mismatch";
    INDETERMINATE_COLLATION "42P22" "indeterminate_collation";
    WITH_CHECK_OPTION_VIOLATION "44000" "with_check_option_violation";
    INSUFFICIENT_RESOURCES "53000" "insufficient_resources";
    DISK_FULL "53100" "disk_full";
    OUT_OF_MEMORY "53200" "out_of_memory";
    TOO_MANY_CONNECTIONS "53300" "too_many_connections";
    CONFIGURATION_LIMIT_EXCEEDED "53400" "configuration_limit_exceeded";
    PROGRAM_LIMIT_EXCEEDED "54000" "program_limit_exceeded";
    STATEMENT_TOO_COMPLEX "54001" "statement_too_complex";
    TOO_MANY_COLUMNS "54011" "too_many_columns";
    TOO_MANY_ARGUMENTS "54023" "too_many_arguments";
    OBJECT_NOT_IN_PREREQUISITE_STATE "55000" "object_not_in_prerequisite_state";
    OBJECT_IN_USE "55006" "object_in_use";
    CANT_CHANGE_RUNTIME_PARAM "55P02" "cant_change_runtime_param";
    LOCK_NOT_AVAILABLE "55P03" "lock_not_available";
    UNSAFE_NEW_ENUM_VALUE_USAGE "55P04" "unsafe_new_enum_value_usage";
    OPERATOR_INTERVENTION "57000" "operator_intervention";
    QUERY_CANCELED "57014" "query_canceled";
    ADMIN_SHUTDOWN "57P01" "admin_shutdown";
    CRASH_SHUTDOWN "57P02" "crash_shutdown";
    CANNOT_CONNECT_NOW "57P03" "cannot_connect_now";
    DATABASE_DROPPED "57P04" "database_dropped";
    IDLE_SESSION_TIMEOUT "57P05" "idle_session_timeout";
    SYSTEM_ERROR "58000" "system_error";
    IO_ERROR "58030" "io_error";
    UNDEFINED_FILE "58P01" "undefined_file";
    DUPLICATE_FILE "58P02" "duplicate_file";
    CONFIG_FILE_ERROR "F0000" "config_file_error";
    RAISE_EXCEPTION "P0001" "raise_exception";
    NO_DATA_FOUND "P0002" "no_data_found";
    TOO_MANY_ROWS "P0003" "too_many_rows";
    ASSERT_FAILURE "P0004" "assert_failure";
    INTERNAL_ERROR "XX000" "internal_error";
    DATA_CORRUPTED "XX001" "data_corrupted";
    INDEX_CORRUPTED "XX002" "index_corrupted";
}
