//! What is asked of the session or of the statement: time, identity, settings, sequences, the catalog, sizes,
//! privileges, locks. Most rows here only declare a signature; [`Host::call`](crate::expr::Host::call) answers.

use super::convert::kernels;
use super::f;
use crate::base::{Oid, Result};
use crate::expr::context::EvalContext;
use crate::expr::function::Kernel::{Host, Row, Set, Typed};
use crate::expr::function::{CallTypes, Function, SetRows};
use crate::expr::registry;
use crate::parser::keywords::{Keyword, KeywordClass};
use crate::types::oid::*;
use crate::types::{ColumnBuilder, Datum, DatumRef, Numeric, SqlType};

/// The row that a sequence is as a relation. It has no name by which it could be called.
pub static SEQUENCE_STATE: Function = f(0, "sequence state", &[OID], RECORD, Host).volatile().with_out(&[
    ("last_value", INT8),
    ("log_cnt", INT8),
    ("is_called", BOOL),
]);

/// No relation is a partition or has any, and PostgreSQL answers no rows for such.
struct NoRows;

impl SetRows for NoRows {
    fn next(&mut self, _: &mut EvalContext<'_>, _: &mut [ColumnBuilder], _: usize) -> Result<usize> {
        Ok(0)
    }
}

fn no_rows(_: &mut EvalContext<'_>, _: CallTypes<'_>, _: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    Ok(Box::new(NoRows))
}

fn pg_typeof(_: &mut EvalContext<'_>, types: CallTypes<'_>, _: &[DatumRef<'_>]) -> Result<Datum> {
    Ok(Datum::Oid(types.args[0].oid.0))
}

/// A type's name with its modifier; types that users made are known to the session.
fn format_type(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let DatumRef::Oid(oid) = a[0] else { return Ok(Datum::Null) };
    let oid = Oid(oid);
    if oid == Oid::INVALID {
        return Ok(Datum::from("-"));
    }
    if crate::types::type_info(oid).is_none() {
        let func = registry::function(Oid(FORMAT_TYPE)).expect("format_type is registered");
        return cx.host.call(func, a);
    }
    // A modifier that says "none" is another thing than no word about it.
    Ok(Datum::from(match a[1] {
        DatumRef::Int4(typmod) => crate::types::format_type(SqlType::with_typmod(oid, typmod)),
        _ => crate::types::type_name(oid),
    }))
}

const FORMAT_TYPE: u32 = 1081;

/// PostgreSQL has no functions of these numbers: it keeps those from 8000 on for development.
const HEADWATER_BACKUP: u32 = 9901;
const HEADWATER_STATE_HASH: u32 = 9902;
const HEADWATER_DELETE_BACKUP: u32 = 9903;
const HEADWATER_REPLICA_LAG: u32 = 9904;

fn gen_random_uuid(cx: &mut EvalContext<'_>, _: &[DatumRef<'_>]) -> Result<Datum> {
    let mut bytes = [0; 16];
    cx.state.random.fill_secure(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(Datum::Uuid(bytes))
}

kernels! {
    fn pg_lsn_mi(a: i64, b: i64) -> Numeric {
        Numeric::from(a).as_ref().sub(Numeric::from(b).as_ref())
    }

    fn now[cx]() -> i64 {
        Ok(cx.transaction_us)
    }

    fn statement_timestamp[cx]() -> i64 {
        Ok(cx.statement_us)
    }

    fn clock_timestamp[cx]() -> i64 {
        Ok(cx.host.clock_us())
    }
}

pub(super) fn num_nulls(_: &mut EvalContext<'_>, _: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    Ok(Datum::Int4(a.iter().filter(|v| v.is_null()).count() as i32))
}

pub(super) fn num_nonnulls(_: &mut EvalContext<'_>, _: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    Ok(Datum::Int4(a.iter().filter(|v| !v.is_null()).count() as i32))
}

/// The words of the grammar with their classes.
struct Keywords(std::vec::IntoIter<Keyword>);

impl SetRows for Keywords {
    fn next(&mut self, _: &mut EvalContext<'_>, columns: &mut [ColumnBuilder], max: usize) -> Result<usize> {
        let mut rows = 0;
        for word in self.0.by_ref().take(max) {
            let (code, class) = match word.class() {
                KeywordClass::Unreserved => ("U", "unreserved"),
                KeywordClass::ColName => ("C", "unreserved (cannot be function or type name)"),
                KeywordClass::TypeFuncName => ("T", "reserved (can be function or type name)"),
                KeywordClass::Reserved => ("R", "reserved"),
            };
            let bare = word.is_bare_label();
            let label = if bare { "can be bare label" } else { "requires AS" };
            columns[0].push(DatumRef::Text(word.word()));
            columns[1].push(DatumRef::Text(code));
            columns[2].push(DatumRef::Bool(bare));
            columns[3].push(DatumRef::Text(class));
            columns[4].push(DatumRef::Text(label));
            rows += 1;
        }
        Ok(rows)
    }
}

fn pg_get_keywords(_: &mut EvalContext<'_>, _: CallTypes<'_>, _: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    Ok(Box::new(Keywords(Keyword::all().collect::<Vec<_>>().into_iter())))
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(1216, "col_description", &[OID, INT4], TEXT, Host).stable(),
    f(861, "current_database", &[], NAME, Host).stable(),
    f(817, "current_query", &[], TEXT, Host).lax().volatile(),
    f(1402, "current_schema", &[], NAME, Host).stable(),
    f(1403, "current_schemas", &[BOOL], NAME_ARRAY, Host).stable(),
    f(2077, "current_setting", &[TEXT], TEXT, Host).stable(),
    f(3294, "current_setting", &[TEXT, BOOL], TEXT, Host).stable(),
    f(745, "current_user", &[], NAME, Host).stable(),
    f(1575, "currval", &[REGCLASS], INT8, Host).volatile(),
    f(1039, "getdatabaseencoding", &[], NAME, Host).stable(),
    f(710, "getpgusername", &[], NAME, Host).stable(),
    f(HEADWATER_BACKUP, "headwater_backup", &[], JSON, Host).volatile(),
    f(HEADWATER_DELETE_BACKUP, "headwater_delete_backup", &[TEXT], BOOL, Host).volatile(),
    f(HEADWATER_REPLICA_LAG, "headwater_replica_lag", &[], INTERVAL, Host).volatile(),
    f(HEADWATER_STATE_HASH, "headwater_state_hash", &[], TEXT, Host).volatile(),
    f(3024, "has_any_column_privilege", &[NAME, TEXT, TEXT], BOOL, Host).stable(),
    f(3025, "has_any_column_privilege", &[NAME, OID, TEXT], BOOL, Host).stable(),
    f(3026, "has_any_column_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(3027, "has_any_column_privilege", &[OID, OID, TEXT], BOOL, Host).stable(),
    f(3028, "has_any_column_privilege", &[TEXT, TEXT], BOOL, Host).stable(),
    f(3029, "has_any_column_privilege", &[OID, TEXT], BOOL, Host).stable(),
    f(3012, "has_column_privilege", &[NAME, TEXT, TEXT, TEXT], BOOL, Host).stable(),
    f(3013, "has_column_privilege", &[NAME, TEXT, INT2, TEXT], BOOL, Host).stable(),
    f(3014, "has_column_privilege", &[NAME, OID, TEXT, TEXT], BOOL, Host).stable(),
    f(3015, "has_column_privilege", &[NAME, OID, INT2, TEXT], BOOL, Host).stable(),
    f(3016, "has_column_privilege", &[OID, TEXT, TEXT, TEXT], BOOL, Host).stable(),
    f(3017, "has_column_privilege", &[OID, TEXT, INT2, TEXT], BOOL, Host).stable(),
    f(3018, "has_column_privilege", &[OID, OID, TEXT, TEXT], BOOL, Host).stable(),
    f(3019, "has_column_privilege", &[OID, OID, INT2, TEXT], BOOL, Host).stable(),
    f(3020, "has_column_privilege", &[TEXT, TEXT, TEXT], BOOL, Host).stable(),
    f(3021, "has_column_privilege", &[TEXT, INT2, TEXT], BOOL, Host).stable(),
    f(3022, "has_column_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(3023, "has_column_privilege", &[OID, INT2, TEXT], BOOL, Host).stable(),
    f(2250, "has_database_privilege", &[NAME, TEXT, TEXT], BOOL, Host).stable(),
    f(2251, "has_database_privilege", &[NAME, OID, TEXT], BOOL, Host).stable(),
    f(2252, "has_database_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(2253, "has_database_privilege", &[OID, OID, TEXT], BOOL, Host).stable(),
    f(2254, "has_database_privilege", &[TEXT, TEXT], BOOL, Host).stable(),
    f(2255, "has_database_privilege", &[OID, TEXT], BOOL, Host).stable(),
    f(3000, "has_foreign_data_wrapper_privilege", &[NAME, TEXT, TEXT], BOOL, Host).stable(),
    f(3001, "has_foreign_data_wrapper_privilege", &[NAME, OID, TEXT], BOOL, Host).stable(),
    f(3002, "has_foreign_data_wrapper_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(3003, "has_foreign_data_wrapper_privilege", &[OID, OID, TEXT], BOOL, Host).stable(),
    f(3004, "has_foreign_data_wrapper_privilege", &[TEXT, TEXT], BOOL, Host).stable(),
    f(3005, "has_foreign_data_wrapper_privilege", &[OID, TEXT], BOOL, Host).stable(),
    f(2256, "has_function_privilege", &[NAME, TEXT, TEXT], BOOL, Host).stable(),
    f(2257, "has_function_privilege", &[NAME, OID, TEXT], BOOL, Host).stable(),
    f(2258, "has_function_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(2259, "has_function_privilege", &[OID, OID, TEXT], BOOL, Host).stable(),
    f(2260, "has_function_privilege", &[TEXT, TEXT], BOOL, Host).stable(),
    f(2261, "has_function_privilege", &[OID, TEXT], BOOL, Host).stable(),
    f(2262, "has_language_privilege", &[NAME, TEXT, TEXT], BOOL, Host).stable(),
    f(2263, "has_language_privilege", &[NAME, OID, TEXT], BOOL, Host).stable(),
    f(2264, "has_language_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(2265, "has_language_privilege", &[OID, OID, TEXT], BOOL, Host).stable(),
    f(2266, "has_language_privilege", &[TEXT, TEXT], BOOL, Host).stable(),
    f(2267, "has_language_privilege", &[OID, TEXT], BOOL, Host).stable(),
    f(6205, "has_parameter_privilege", &[NAME, TEXT, TEXT], BOOL, Host).stable(),
    f(6206, "has_parameter_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(6207, "has_parameter_privilege", &[TEXT, TEXT], BOOL, Host).stable(),
    f(2268, "has_schema_privilege", &[NAME, TEXT, TEXT], BOOL, Host).stable(),
    f(2269, "has_schema_privilege", &[NAME, OID, TEXT], BOOL, Host).stable(),
    f(2270, "has_schema_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(2271, "has_schema_privilege", &[OID, OID, TEXT], BOOL, Host).stable(),
    f(2272, "has_schema_privilege", &[TEXT, TEXT], BOOL, Host).stable(),
    f(2273, "has_schema_privilege", &[OID, TEXT], BOOL, Host).stable(),
    f(2181, "has_sequence_privilege", &[NAME, TEXT, TEXT], BOOL, Host).stable(),
    f(2182, "has_sequence_privilege", &[NAME, OID, TEXT], BOOL, Host).stable(),
    f(2183, "has_sequence_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(2184, "has_sequence_privilege", &[OID, OID, TEXT], BOOL, Host).stable(),
    f(2185, "has_sequence_privilege", &[TEXT, TEXT], BOOL, Host).stable(),
    f(2186, "has_sequence_privilege", &[OID, TEXT], BOOL, Host).stable(),
    f(3006, "has_server_privilege", &[NAME, TEXT, TEXT], BOOL, Host).stable(),
    f(3007, "has_server_privilege", &[NAME, OID, TEXT], BOOL, Host).stable(),
    f(3008, "has_server_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(3009, "has_server_privilege", &[OID, OID, TEXT], BOOL, Host).stable(),
    f(3010, "has_server_privilege", &[TEXT, TEXT], BOOL, Host).stable(),
    f(3011, "has_server_privilege", &[OID, TEXT], BOOL, Host).stable(),
    f(1922, "has_table_privilege", &[NAME, TEXT, TEXT], BOOL, Host).stable(),
    f(1923, "has_table_privilege", &[NAME, OID, TEXT], BOOL, Host).stable(),
    f(1924, "has_table_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(1925, "has_table_privilege", &[OID, OID, TEXT], BOOL, Host).stable(),
    f(1926, "has_table_privilege", &[TEXT, TEXT], BOOL, Host).stable(),
    f(1927, "has_table_privilege", &[OID, TEXT], BOOL, Host).stable(),
    f(2390, "has_tablespace_privilege", &[NAME, TEXT, TEXT], BOOL, Host).stable(),
    f(2391, "has_tablespace_privilege", &[NAME, OID, TEXT], BOOL, Host).stable(),
    f(2392, "has_tablespace_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(2393, "has_tablespace_privilege", &[OID, OID, TEXT], BOOL, Host).stable(),
    f(2394, "has_tablespace_privilege", &[TEXT, TEXT], BOOL, Host).stable(),
    f(2395, "has_tablespace_privilege", &[OID, TEXT], BOOL, Host).stable(),
    f(3138, "has_type_privilege", &[NAME, TEXT, TEXT], BOOL, Host).stable(),
    f(3139, "has_type_privilege", &[NAME, OID, TEXT], BOOL, Host).stable(),
    f(3140, "has_type_privilege", &[OID, TEXT, TEXT], BOOL, Host).stable(),
    f(3141, "has_type_privilege", &[OID, OID, TEXT], BOOL, Host).stable(),
    f(3142, "has_type_privilege", &[TEXT, TEXT], BOOL, Host).stable(),
    f(3143, "has_type_privilege", &[OID, TEXT], BOOL, Host).stable(),
    f(2196, "inet_client_addr", &[], INET, Host).lax().stable(),
    f(2197, "inet_client_port", &[], INT4, Host).lax().stable(),
    f(2198, "inet_server_addr", &[], INET, Host).lax().stable(),
    f(2199, "inet_server_port", &[], INT4, Host).lax().stable(),
    f(2559, "lastval", &[], INT8, Host).volatile(),
    f(1574, "nextval", &[REGCLASS], INT8, Host).volatile(),
    f(1215, "obj_description", &[OID, NAME], TEXT, Host).stable(),
    f(1348, "obj_description", &[OID], TEXT, Host).stable(),
    f(2880, "pg_advisory_lock", &[INT8], VOID, Host).volatile(),
    f(2886, "pg_advisory_lock", &[INT4, INT4], VOID, Host).volatile(),
    f(2881, "pg_advisory_lock_shared", &[INT8], VOID, Host).volatile(),
    f(2887, "pg_advisory_lock_shared", &[INT4, INT4], VOID, Host).volatile(),
    f(2884, "pg_advisory_unlock", &[INT8], BOOL, Host).volatile(),
    f(2890, "pg_advisory_unlock", &[INT4, INT4], BOOL, Host).volatile(),
    f(2892, "pg_advisory_unlock_all", &[], VOID, Host).volatile(),
    f(2885, "pg_advisory_unlock_shared", &[INT8], BOOL, Host).volatile(),
    f(2891, "pg_advisory_unlock_shared", &[INT4, INT4], BOOL, Host).volatile(),
    f(3089, "pg_advisory_xact_lock", &[INT8], VOID, Host).volatile(),
    f(3093, "pg_advisory_xact_lock", &[INT4, INT4], VOID, Host).volatile(),
    f(3090, "pg_advisory_xact_lock_shared", &[INT8], VOID, Host).volatile(),
    f(3094, "pg_advisory_xact_lock_shared", &[INT4, INT4], VOID, Host).volatile(),
    f(2026, "pg_backend_pid", &[], INT4, Host).stable(),
    f(2561, "pg_blocking_pids", &[INT4], INT4_ARRAY, Host).volatile(),
    f(2171, "pg_cancel_backend", &[INT4], BOOL, Host).volatile(),
    f(1264, "pg_char_to_encoding", &[NAME], INT4, Host).stable(),
    f(810, "pg_client_encoding", &[], NAME, Host).stable(),
    f(3162, "pg_collation_for", &[ANY], TEXT, Host).lax().stable(),
    f(3815, "pg_collation_is_visible", &[OID], BOOL, Host).stable(),
    f(2121, "pg_column_compression", &[ANY], TEXT, Host).stable(),
    f(3843, "pg_column_is_updatable", &[REGCLASS, INT2, BOOL], BOOL, Host).stable(),
    f(1269, "pg_column_size", &[ANY], INT4, Host).stable(),
    f(2034, "pg_conf_load_time", &[], TIMESTAMPTZ, Host).stable(),
    f(2093, "pg_conversion_is_visible", &[OID], BOOL, Host).stable(),
    f(3098, "pg_create_restore_point", &[TEXT], PG_LSN, Host).volatile(),
    f(5061, "pg_current_snapshot", &[], PG_SNAPSHOT, Host).stable(),
    f(3330, "pg_current_wal_flush_lsn", &[], PG_LSN, Host).volatile(),
    f(2852, "pg_current_wal_insert_lsn", &[], PG_LSN, Host).volatile(),
    f(2849, "pg_current_wal_lsn", &[], PG_LSN, Host).volatile(),
    f(5059, "pg_current_xact_id", &[], XID8, Host).stable(),
    f(5060, "pg_current_xact_id_if_assigned", &[], XID8, Host).stable(),
    f(2168, "pg_database_size", &[NAME], INT8, Host).volatile(),
    f(2324, "pg_database_size", &[OID], INT8, Host).volatile(),
    f(3537, "pg_describe_object", &[OID, OID, INT4], TEXT, Host).stable(),
    f(1597, "pg_encoding_to_char", &[INT4], NAME, Host).stable(),
    f(3809, "pg_export_snapshot", &[], TEXT, Host).volatile(),
    f(3454, "pg_filenode_relation", &[OID, OID], REGCLASS, Host).stable(),
    f(2081, "pg_function_is_visible", &[OID], BOOL, Host).stable(),
    f(1387, "pg_get_constraintdef", &[OID], TEXT, Host).stable(),
    f(2508, "pg_get_constraintdef", &[OID, BOOL], TEXT, Host).stable(),
    f(1716, "pg_get_expr", &[PG_NODE_TREE, OID], TEXT, Host).stable(),
    f(2509, "pg_get_expr", &[PG_NODE_TREE, OID, BOOL], TEXT, Host).stable(),
    f(3808, "pg_get_function_arg_default", &[OID, INT4], TEXT, Host).stable(),
    f(2162, "pg_get_function_arguments", &[OID], TEXT, Host).stable(),
    f(2232, "pg_get_function_identity_arguments", &[OID], TEXT, Host).stable(),
    f(2165, "pg_get_function_result", &[OID], TEXT, Host).stable(),
    f(6197, "pg_get_function_sqlbody", &[OID], TEXT, Host).stable(),
    f(2098, "pg_get_functiondef", &[OID], TEXT, Host).stable(),
    f(1643, "pg_get_indexdef", &[OID], TEXT, Host).stable(),
    f(2507, "pg_get_indexdef", &[OID, INT4, BOOL], TEXT, Host).stable(),
    f(3408, "pg_get_partition_constraintdef", &[OID], TEXT, Host).stable(),
    f(3352, "pg_get_partkeydef", &[OID], TEXT, Host).stable(),
    f(1573, "pg_get_ruledef", &[OID], TEXT, Host).stable(),
    f(2504, "pg_get_ruledef", &[OID, BOOL], TEXT, Host).stable(),
    f(1665, "pg_get_serial_sequence", &[TEXT, TEXT], TEXT, Host).stable(),
    f(3415, "pg_get_statisticsobjdef", &[OID], TEXT, Host).stable(),
    f(6174, "pg_get_statisticsobjdef_columns", &[OID], TEXT, Host).stable(),
    f(1662, "pg_get_triggerdef", &[OID], TEXT, Host).stable(),
    f(2730, "pg_get_triggerdef", &[OID, BOOL], TEXT, Host).stable(),
    f(1642, "pg_get_userbyid", &[OID], NAME, Host).stable(),
    f(1640, "pg_get_viewdef", &[TEXT], TEXT, Host).stable(),
    f(1641, "pg_get_viewdef", &[OID], TEXT, Host).stable(),
    f(2505, "pg_get_viewdef", &[TEXT, BOOL], TEXT, Host).stable(),
    f(2506, "pg_get_viewdef", &[OID, BOOL], TEXT, Host).stable(),
    f(3159, "pg_get_viewdef", &[OID, INT4], TEXT, Host).stable(),
    f(2705, "pg_has_role", &[NAME, NAME, TEXT], BOOL, Host).stable(),
    f(2706, "pg_has_role", &[NAME, OID, TEXT], BOOL, Host).stable(),
    f(2707, "pg_has_role", &[OID, NAME, TEXT], BOOL, Host).stable(),
    f(2708, "pg_has_role", &[OID, OID, TEXT], BOOL, Host).stable(),
    f(2709, "pg_has_role", &[NAME, TEXT], BOOL, Host).stable(),
    f(2710, "pg_has_role", &[OID, TEXT], BOOL, Host).stable(),
    f(638, "pg_index_column_has_property", &[REGCLASS, INT4, TEXT], BOOL, Host).stable(),
    f(637, "pg_index_has_property", &[REGCLASS, TEXT], BOOL, Host).stable(),
    f(636, "pg_indexam_has_property", &[OID, TEXT], BOOL, Host).stable(),
    f(2998, "pg_indexes_size", &[REGCLASS], INT8, Host).volatile(),
    f(3810, "pg_is_in_recovery", &[], BOOL, Host).volatile(),
    f(2855, "pg_is_other_temp_schema", &[OID], BOOL, Host).stable(),
    f(3073, "pg_is_wal_replay_paused", &[], BOOL, Host).volatile(),
    f(3378, "pg_isolation_test_session_is_blocked", &[INT4, INT4_ARRAY], BOOL, Host).volatile(),
    f(315, "pg_jit_available", &[], BOOL, Host).volatile(),
    f(3820, "pg_last_wal_receive_lsn", &[], PG_LSN, Host).volatile(),
    f(3821, "pg_last_wal_replay_lsn", &[], PG_LSN, Host).volatile(),
    f(3830, "pg_last_xact_replay_timestamp", &[], TIMESTAMPTZ, Host).volatile(),
    f(2854, "pg_my_temp_schema", &[], OID, Host).stable(),
    f(3036, "pg_notify", &[TEXT, TEXT], VOID, Host).lax().volatile(),
    f(2083, "pg_opclass_is_visible", &[OID], BOOL, Host).stable(),
    f(1686, "pg_get_keywords", &[], RECORD, Set(pg_get_keywords)).set().stable().with_out(&[("word", TEXT), ("catcode", CHAR), ("barelabel", BOOL), ("catdesc", TEXT), ("baredesc", TEXT)]),
    f(2082, "pg_operator_is_visible", &[OID], BOOL, Host).stable(),
    f(3829, "pg_opfamily_is_visible", &[OID], BOOL, Host).stable(),
    f(3425, "pg_partition_ancestors", &[REGCLASS], REGCLASS, Set(no_rows)).set().with_out(&[("relid", REGCLASS)]),
    f(3424, "pg_partition_root", &[REGCLASS], REGCLASS, Host),
    f(3423, "pg_partition_tree", &[REGCLASS], RECORD, Set(no_rows)).set().with_out(&[("relid", REGCLASS), ("parentrelid", REGCLASS), ("isleaf", BOOL), ("level", INT4)]),
    f(2560, "pg_postmaster_start_time", &[], TIMESTAMPTZ, Host).stable(),
    f(3436, "pg_promote", &[BOOL, INT4], BOOL, Host).volatile().named(&["wait", "wait_seconds"]).with_defaults(&["true", "60"]),
    f(2999, "pg_relation_filenode", &[REGCLASS], OID, Host).stable(),
    f(3034, "pg_relation_filepath", &[REGCLASS], TEXT, Host).stable(),
    f(6121, "pg_relation_is_publishable", &[REGCLASS], BOOL, Host).stable(),
    f(3842, "pg_relation_is_updatable", &[REGCLASS, BOOL], INT4, Host).stable(),
    f(2325, "pg_relation_size", &[REGCLASS], INT8, Host).volatile(),
    f(2332, "pg_relation_size", &[REGCLASS, TEXT], INT8, Host).volatile(),
    f(2621, "pg_reload_conf", &[], BOOL, Host).volatile(),
    f(3376, "pg_safe_snapshot_blocking_pids", &[INT4], INT4_ARRAY, Host).volatile(),
    f(4032, "pg_sequence_last_value", &[REGCLASS], INT8, Host).volatile(),
    f(2626, "pg_sleep", &[FLOAT8], VOID, Host).volatile(),
    f(3935, "pg_sleep_for", &[INTERVAL], VOID, Host).volatile(),
    f(3936, "pg_sleep_until", &[TIMESTAMPTZ], VOID, Host).volatile(),
    f(2230, "pg_stat_clear_snapshot", &[], VOID, Host).lax().volatile(),
    f(2137, "pg_stat_force_next_flush", &[], VOID, Host).lax().volatile(),
    f(1937, "pg_stat_get_backend_pid", &[INT4], INT4, Host).stable(),
    f(1941, "pg_stat_get_db_numbackends", &[OID], INT4, Host).stable(),
    f(1928, "pg_stat_get_numscans", &[OID], INT8, Host).stable(),
    f(2274, "pg_stat_reset", &[], VOID, Host).lax().volatile(),
    f(3403, "pg_statistics_obj_is_visible", &[OID], BOOL, Host).stable(),
    f(2848, "pg_switch_wal", &[], PG_LSN, Host).volatile(),
    f(2079, "pg_table_is_visible", &[OID], BOOL, Host).stable(),
    f(2997, "pg_table_size", &[REGCLASS], INT8, Host).volatile(),
    f(3778, "pg_tablespace_location", &[OID], TEXT, Host).stable(),
    f(2322, "pg_tablespace_size", &[OID], INT8, Host).volatile(),
    f(2323, "pg_tablespace_size", &[NAME], INT8, Host).volatile(),
    f(2096, "pg_terminate_backend", &[INT4, INT8], BOOL, Host).volatile().named(&["pid", "timeout"]).with_defaults(&["0"]),
    f(2286, "pg_total_relation_size", &[REGCLASS], INT8, Host).volatile(),
    f(3163, "pg_trigger_depth", &[], INT4, Host).stable(),
    f(2882, "pg_try_advisory_lock", &[INT8], BOOL, Host).volatile(),
    f(2888, "pg_try_advisory_lock", &[INT4, INT4], BOOL, Host).volatile(),
    f(2883, "pg_try_advisory_lock_shared", &[INT8], BOOL, Host).volatile(),
    f(2889, "pg_try_advisory_lock_shared", &[INT4, INT4], BOOL, Host).volatile(),
    f(3091, "pg_try_advisory_xact_lock", &[INT8], BOOL, Host).volatile(),
    f(3095, "pg_try_advisory_xact_lock", &[INT4, INT4], BOOL, Host).volatile(),
    f(3092, "pg_try_advisory_xact_lock_shared", &[INT8], BOOL, Host).volatile(),
    f(3096, "pg_try_advisory_xact_lock_shared", &[INT4, INT4], BOOL, Host).volatile(),
    f(3758, "pg_ts_config_is_visible", &[OID], BOOL, Host).stable(),
    f(3757, "pg_ts_dict_is_visible", &[OID], BOOL, Host).stable(),
    f(3756, "pg_ts_parser_is_visible", &[OID], BOOL, Host).stable(),
    f(3768, "pg_ts_template_is_visible", &[OID], BOOL, Host).stable(),
    f(2080, "pg_type_is_visible", &[OID], BOOL, Host).stable(),
    f(2924, "query_to_xml", &[TEXT, BOOL, BOOL, TEXT], XML, Host).volatile().named(&["query", "nulls", "tableforest", "targetns"]),
    f(3298, "row_security_active", &[OID], BOOL, Host).stable(),
    f(3299, "row_security_active", &[TEXT], BOOL, Host).stable(),
    f(746, "session_user", &[], NAME, Host).stable(),
    f(2078, "set_config", &[TEXT, TEXT, BOOL], TEXT, Host).lax().volatile(),
    f(1576, "setval", &[REGCLASS, INT8], INT8, Host).volatile(),
    f(1765, "setval", &[REGCLASS, INT8, BOOL], INT8, Host).volatile(),
    f(1993, "shobj_description", &[OID, NAME], TEXT, Host).stable(),
    f(3495, "to_regclass", &[TEXT], REGCLASS, Host).stable(),
    f(4195, "to_regcollation", &[TEXT], REGCOLLATION, Host).stable(),
    f(4086, "to_regnamespace", &[TEXT], REGNAMESPACE, Host).stable(),
    f(3492, "to_regoper", &[TEXT], REGOPER, Host).stable(),
    f(3476, "to_regoperator", &[TEXT], REGOPERATOR, Host).stable(),
    f(3494, "to_regproc", &[TEXT], REGPROC, Host).stable(),
    f(3479, "to_regprocedure", &[TEXT], REGPROCEDURE, Host).stable(),
    f(4093, "to_regrole", &[TEXT], REGROLE, Host).stable(),
    f(3493, "to_regtype", &[TEXT], REGTYPE, Host).stable(),
    f(2943, "txid_current", &[], INT8, Host).stable(),
    f(3348, "txid_current_if_assigned", &[], INT8, Host).stable(),
    f(2944, "txid_current_snapshot", &[], TXID_SNAPSHOT, Host).stable(),
    f(3360, "txid_status", &[INT8], TEXT, Host).volatile(),
    f(3165, "pg_wal_lsn_diff", &[PG_LSN, PG_LSN], NUMERIC, Row(pg_lsn_mi)),
    f(3237, "pg_lsn_mi", &[PG_LSN, PG_LSN], NUMERIC, Row(pg_lsn_mi)),
    f(89, "version", &[], TEXT, Host).stable(),
    f(1079, "regclass", &[TEXT], REGCLASS, Host).stable(),
    f(1299, "now", &[], TIMESTAMPTZ, Row(now)).stable(),
    f(2647, "transaction_timestamp", &[], TIMESTAMPTZ, Row(now)).stable(),
    f(2648, "statement_timestamp", &[], TIMESTAMPTZ, Row(statement_timestamp)).stable(),
    f(2649, "clock_timestamp", &[], TIMESTAMPTZ, Row(clock_timestamp)).volatile(),
    f(3432, "gen_random_uuid", &[], UUID, Row(gen_random_uuid)).volatile().leakproof(),
    f(1619, "pg_typeof", &[ANY], REGTYPE, Typed(pg_typeof)).lax().stable(),
    f(1081, "format_type", &[OID, INT4], TEXT, Row(format_type)).lax().stable(),
    f(438, "num_nulls", &[ANY], INT4, Typed(num_nulls)).lax().variadic(ANY),
    f(440, "num_nonnulls", &[ANY], INT4, Typed(num_nonnulls)).lax().variadic(ANY),
];
