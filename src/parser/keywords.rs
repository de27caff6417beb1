//! PostgreSQL 15's keywords (`src/include/parser/kwlist.h`): their classes, a lookup, and quoting of identifiers.
//!
//! The lookup is a hash table made at compile time, for it runs once for each word of each statement.

use std::borrow::Cow;

/// Where a keyword may serve as a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeywordClass {
    /// Anywhere a name may stand.
    Unreserved,
    /// As a column or table, not as a function or type.
    ColName,
    /// As a function or type, not as a column or table.
    TypeFuncName,
    /// Only as a label after AS.
    Reserved,
}

use KeywordClass::*;

macro_rules! keywords {
    ($($variant:ident $word:literal $class:ident $bare:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Keyword { $($variant,)* }

        /// In the order of the enum: word, class, whether it may be a label without AS, itself.
        const KEYWORDS: &[(&str, KeywordClass, bool, Keyword)] = &[$(($word, $class, $bare, Keyword::$variant),)*];
    };
}

keywords! {
    Abort "abort" Unreserved true;
    Absolute "absolute" Unreserved true;
    Access "access" Unreserved true;
    Action "action" Unreserved true;
    Add "add" Unreserved true;
    Admin "admin" Unreserved true;
    After "after" Unreserved true;
    Aggregate "aggregate" Unreserved true;
    All "all" Reserved true;
    Also "also" Unreserved true;
    Alter "alter" Unreserved true;
    Always "always" Unreserved true;
    Analyse "analyse" Reserved true;
    Analyze "analyze" Reserved true;
    And "and" Reserved true;
    Any "any" Reserved true;
    Array "array" Reserved false;
    As "as" Reserved false;
    Asc "asc" Reserved true;
    Asensitive "asensitive" Unreserved true;
    Assertion "assertion" Unreserved true;
    Assignment "assignment" Unreserved true;
    Asymmetric "asymmetric" Reserved true;
    At "at" Unreserved true;
    Atomic "atomic" Unreserved true;
    Attach "attach" Unreserved true;
    Attribute "attribute" Unreserved true;
    Authorization "authorization" TypeFuncName true;
    Backward "backward" Unreserved true;
    Before "before" Unreserved true;
    Begin "begin" Unreserved true;
    Between "between" ColName true;
    Bigint "bigint" ColName true;
    Binary "binary" TypeFuncName true;
    Bit "bit" ColName true;
    Boolean "boolean" ColName true;
    Both "both" Reserved true;
    Breadth "breadth" Unreserved true;
    By "by" Unreserved true;
    Cache "cache" Unreserved true;
    Call "call" Unreserved true;
    Called "called" Unreserved true;
    Cascade "cascade" Unreserved true;
    Cascaded "cascaded" Unreserved true;
    Case "case" Reserved true;
    Cast "cast" Reserved true;
    Catalog "catalog" Unreserved true;
    Chain "chain" Unreserved true;
    Char "char" ColName false;
    Character "character" ColName false;
    Characteristics "characteristics" Unreserved true;
    Check "check" Reserved true;
    Checkpoint "checkpoint" Unreserved true;
    Class "class" Unreserved true;
    Close "close" Unreserved true;
    Cluster "cluster" Unreserved true;
    Coalesce "coalesce" ColName true;
    Collate "collate" Reserved true;
    Collation "collation" TypeFuncName true;
    Column "column" Reserved true;
    Columns "columns" Unreserved true;
    Comment "comment" Unreserved true;
    Comments "comments" Unreserved true;
    Commit "commit" Unreserved true;
    Committed "committed" Unreserved true;
    Compression "compression" Unreserved true;
    Concurrently "concurrently" TypeFuncName true;
    Configuration "configuration" Unreserved true;
    Conflict "conflict" Unreserved true;
    Connection "connection" Unreserved true;
    Constraint "constraint" Reserved true;
    Constraints "constraints" Unreserved true;
    Content "content" Unreserved true;
    Continue "continue" Unreserved true;
    Conversion "conversion" Unreserved true;
    Copy "copy" Unreserved true;
    Cost "cost" Unreserved true;
    Create "create" Reserved false;
    Cross "cross" TypeFuncName true;
    Csv "csv" Unreserved true;
    Cube "cube" Unreserved true;
    Current "current" Unreserved true;
    CurrentCatalog "current_catalog" Reserved true;
    CurrentDate "current_date" Reserved true;
    CurrentRole "current_role" Reserved true;
    CurrentSchema "current_schema" TypeFuncName true;
    CurrentTime "current_time" Reserved true;
    CurrentTimestamp "current_timestamp" Reserved true;
    CurrentUser "current_user" Reserved true;
    Cursor "cursor" Unreserved true;
    Cycle "cycle" Unreserved true;
    Data "data" Unreserved true;
    Database "database" Unreserved true;
    Day "day" Unreserved false;
    Deallocate "deallocate" Unreserved true;
    Dec "dec" ColName true;
    Decimal "decimal" ColName true;
    Declare "declare" Unreserved true;
    Default "default" Reserved true;
    Defaults "defaults" Unreserved true;
    Deferrable "deferrable" Reserved true;
    Deferred "deferred" Unreserved true;
    Definer "definer" Unreserved true;
    Delete "delete" Unreserved true;
    Delimiter "delimiter" Unreserved true;
    Delimiters "delimiters" Unreserved true;
    Depends "depends" Unreserved true;
    Depth "depth" Unreserved true;
    Desc "desc" Reserved true;
    Detach "detach" Unreserved true;
    Dictionary "dictionary" Unreserved true;
    Disable "disable" Unreserved true;
    Discard "discard" Unreserved true;
    Distinct "distinct" Reserved true;
    Do "do" Reserved true;
    Document "document" Unreserved true;
    Domain "domain" Unreserved true;
    Double "double" Unreserved true;
    Drop "drop" Unreserved true;
    Each "each" Unreserved true;
    Else "else" Reserved true;
    Enable "enable" Unreserved true;
    Encoding "encoding" Unreserved true;
    Encrypted "encrypted" Unreserved true;
    End "end" Reserved true;
    Enum "enum" Unreserved true;
    Escape "escape" Unreserved true;
    Event "event" Unreserved true;
    Except "except" Reserved false;
    Exclude "exclude" Unreserved true;
    Excluding "excluding" Unreserved true;
    Exclusive "exclusive" Unreserved true;
    Execute "execute" Unreserved true;
    Exists "exists" ColName true;
    Explain "explain" Unreserved true;
    Expression "expression" Unreserved true;
    Extension "extension" Unreserved true;
    External "external" Unreserved true;
    Extract "extract" ColName true;
    False "false" Reserved true;
    Family "family" Unreserved true;
    Fetch "fetch" Reserved false;
    Filter "filter" Unreserved false;
    Finalize "finalize" Unreserved true;
    First "first" Unreserved true;
    Float "float" ColName true;
    Following "following" Unreserved true;
    For "for" Reserved false;
    Force "force" Unreserved true;
    Foreign "foreign" Reserved true;
    Forward "forward" Unreserved true;
    Freeze "freeze" TypeFuncName true;
    From "from" Reserved false;
    Full "full" TypeFuncName true;
    Function "function" Unreserved true;
    Functions "functions" Unreserved true;
    Generated "generated" Unreserved true;
    Global "global" Unreserved true;
    Grant "grant" Reserved false;
    Granted "granted" Unreserved true;
    Greatest "greatest" ColName true;
    Group "group" Reserved false;
    Grouping "grouping" ColName true;
    Groups "groups" Unreserved true;
    Handler "handler" Unreserved true;
    Having "having" Reserved false;
    Header "header" Unreserved true;
    Hold "hold" Unreserved true;
    Hour "hour" Unreserved false;
    Identity "identity" Unreserved true;
    If "if" Unreserved true;
    Ilike "ilike" TypeFuncName true;
    Immediate "immediate" Unreserved true;
    Immutable "immutable" Unreserved true;
    Implicit "implicit" Unreserved true;
    Import "import" Unreserved true;
    In "in" Reserved true;
    Include "include" Unreserved true;
    Including "including" Unreserved true;
    Increment "increment" Unreserved true;
    Index "index" Unreserved true;
    Indexes "indexes" Unreserved true;
    Inherit "inherit" Unreserved true;
    Inherits "inherits" Unreserved true;
    Initially "initially" Reserved true;
    Inline "inline" Unreserved true;
    Inner "inner" TypeFuncName true;
    Inout "inout" ColName true;
    Input "input" Unreserved true;
    Insensitive "insensitive" Unreserved true;
    Insert "insert" Unreserved true;
    Instead "instead" Unreserved true;
    Int "int" ColName true;
    Integer "integer" ColName true;
    Intersect "intersect" Reserved false;
    Interval "interval" ColName true;
    Into "into" Reserved false;
    Invoker "invoker" Unreserved true;
    Is "is" TypeFuncName true;
    Isnull "isnull" TypeFuncName false;
    Isolation "isolation" Unreserved true;
    Join "join" TypeFuncName true;
    Key "key" Unreserved true;
    Label "label" Unreserved true;
    Language "language" Unreserved true;
    Large "large" Unreserved true;
    Last "last" Unreserved true;
    Lateral "lateral" Reserved true;
    Leading "leading" Reserved true;
    Leakproof "leakproof" Unreserved true;
    Least "least" ColName true;
    Left "left" TypeFuncName true;
    Level "level" Unreserved true;
    Like "like" TypeFuncName true;
    Limit "limit" Reserved false;
    Listen "listen" Unreserved true;
    Load "load" Unreserved true;
    Local "local" Unreserved true;
    Localtime "localtime" Reserved true;
    Localtimestamp "localtimestamp" Reserved true;
    Location "location" Unreserved true;
    Lock "lock" Unreserved true;
    Locked "locked" Unreserved true;
    Logged "logged" Unreserved true;
    Mapping "mapping" Unreserved true;
    Match "match" Unreserved true;
    Matched "matched" Unreserved true;
    Materialized "materialized" Unreserved true;
    Maxvalue "maxvalue" Unreserved true;
    Merge "merge" Unreserved true;
    Method "method" Unreserved true;
    Minute "minute" Unreserved false;
    Minvalue "minvalue" Unreserved true;
    Mode "mode" Unreserved true;
    Month "month" Unreserved false;
    Move "move" Unreserved true;
    Name "name" Unreserved true;
    Names "names" Unreserved true;
    National "national" ColName true;
    Natural "natural" TypeFuncName true;
    Nchar "nchar" ColName true;
    New "new" Unreserved true;
    Next "next" Unreserved true;
    Nfc "nfc" Unreserved true;
    Nfd "nfd" Unreserved true;
    Nfkc "nfkc" Unreserved true;
    Nfkd "nfkd" Unreserved true;
    No "no" Unreserved true;
    None "none" ColName true;
    Normalize "normalize" ColName true;
    Normalized "normalized" Unreserved true;
    Not "not" Reserved true;
    Nothing "nothing" Unreserved true;
    Notify "notify" Unreserved true;
    Notnull "notnull" TypeFuncName false;
    Nowait "nowait" Unreserved true;
    Null "null" Reserved true;
    Nullif "nullif" ColName true;
    Nulls "nulls" Unreserved true;
    Numeric "numeric" ColName true;
    Object "object" Unreserved true;
    Of "of" Unreserved true;
    Off "off" Unreserved true;
    Offset "offset" Reserved false;
    Oids "oids" Unreserved true;
    Old "old" Unreserved true;
    On "on" Reserved false;
    Only "only" Reserved true;
    Operator "operator" Unreserved true;
    Option "option" Unreserved true;
    Options "options" Unreserved true;
    Or "or" Reserved true;
    Order "order" Reserved false;
    Ordinality "ordinality" Unreserved true;
    Others "others" Unreserved true;
    Out "out" ColName true;
    Outer "outer" TypeFuncName true;
    Over "over" Unreserved false;
    Overlaps "overlaps" TypeFuncName false;
    Overlay "overlay" ColName true;
    Overriding "overriding" Unreserved true;
    Owned "owned" Unreserved true;
    Owner "owner" Unreserved true;
    Parallel "parallel" Unreserved true;
    Parameter "parameter" Unreserved true;
    Parser "parser" Unreserved true;
    Partial "partial" Unreserved true;
    Partition "partition" Unreserved true;
    Passing "passing" Unreserved true;
    Password "password" Unreserved true;
    Placing "placing" Reserved true;
    Plans "plans" Unreserved true;
    Policy "policy" Unreserved true;
    Position "position" ColName true;
    Preceding "preceding" Unreserved true;
    Precision "precision" ColName false;
    Prepare "prepare" Unreserved true;
    Prepared "prepared" Unreserved true;
    Preserve "preserve" Unreserved true;
    Primary "primary" Reserved true;
    Prior "prior" Unreserved true;
    Privileges "privileges" Unreserved true;
    Procedural "procedural" Unreserved true;
    Procedure "procedure" Unreserved true;
    Procedures "procedures" Unreserved true;
    Program "program" Unreserved true;
    Publication "publication" Unreserved true;
    Quote "quote" Unreserved true;
    Range "range" Unreserved true;
    Read "read" Unreserved true;
    Real "real" ColName true;
    Reassign "reassign" Unreserved true;
    Recheck "recheck" Unreserved true;
    Recursive "recursive" Unreserved true;
    Ref "ref" Unreserved true;
    References "references" Reserved true;
    Referencing "referencing" Unreserved true;
    Refresh "refresh" Unreserved true;
    Reindex "reindex" Unreserved true;
    Relative "relative" Unreserved true;
    Release "release" Unreserved true;
    Rename "rename" Unreserved true;
    Repeatable "repeatable" Unreserved true;
    Replace "replace" Unreserved true;
    Replica "replica" Unreserved true;
    Reset "reset" Unreserved true;
    Restart "restart" Unreserved true;
    Restrict "restrict" Unreserved true;
    Return "return" Unreserved true;
    Returning "returning" Reserved false;
    Returns "returns" Unreserved true;
    Revoke "revoke" Unreserved true;
    Right "right" TypeFuncName true;
    Role "role" Unreserved true;
    Rollback "rollback" Unreserved true;
    Rollup "rollup" Unreserved true;
    Routine "routine" Unreserved true;
    Routines "routines" Unreserved true;
    Row "row" ColName true;
    Rows "rows" Unreserved true;
    Rule "rule" Unreserved true;
    Savepoint "savepoint" Unreserved true;
    Schema "schema" Unreserved true;
    Schemas "schemas" Unreserved true;
    Scroll "scroll" Unreserved true;
    Search "search" Unreserved true;
    Second "second" Unreserved false;
    Security "security" Unreserved true;
    Select "select" Reserved true;
    Sequence "sequence" Unreserved true;
    Sequences "sequences" Unreserved true;
    Serializable "serializable" Unreserved true;
    Server "server" Unreserved true;
    Session "session" Unreserved true;
    SessionUser "session_user" Reserved true;
    Set "set" Unreserved true;
    Setof "setof" ColName true;
    Sets "sets" Unreserved true;
    Share "share" Unreserved true;
    Show "show" Unreserved true;
    Similar "similar" TypeFuncName true;
    Simple "simple" Unreserved true;
    Skip "skip" Unreserved true;
    Smallint "smallint" ColName true;
    Snapshot "snapshot" Unreserved true;
    Some "some" Reserved true;
    Sql "sql" Unreserved true;
    Stable "stable" Unreserved true;
    Standalone "standalone" Unreserved true;
    Start "start" Unreserved true;
    Statement "statement" Unreserved true;
    Statistics "statistics" Unreserved true;
    Stdin "stdin" Unreserved true;
    Stdout "stdout" Unreserved true;
    Storage "storage" Unreserved true;
    Stored "stored" Unreserved true;
    Strict "strict" Unreserved true;
    Strip "strip" Unreserved true;
    Subscription "subscription" Unreserved true;
    Substring "substring" ColName true;
    Support "support" Unreserved true;
    Symmetric "symmetric" Reserved true;
    Sysid "sysid" Unreserved true;
    System "system" Unreserved true;
    Table "table" Reserved true;
    Tables "tables" Unreserved true;
    Tablesample "tablesample" TypeFuncName true;
    Tablespace "tablespace" Unreserved true;
    Temp "temp" Unreserved true;
    Template "template" Unreserved true;
    Temporary "temporary" Unreserved true;
    Text "text" Unreserved true;
    Then "then" Reserved true;
    Ties "ties" Unreserved true;
    Time "time" ColName true;
    Timestamp "timestamp" ColName true;
    To "to" Reserved false;
    Trailing "trailing" Reserved true;
    Transaction "transaction" Unreserved true;
    Transform "transform" Unreserved true;
    Treat "treat" ColName true;
    Trigger "trigger" Unreserved true;
    Trim "trim" ColName true;
    True "true" Reserved true;
    Truncate "truncate" Unreserved true;
    Trusted "trusted" Unreserved true;
    Type "type" Unreserved true;
    Types "types" Unreserved true;
    Uescape "uescape" Unreserved true;
    Unbounded "unbounded" Unreserved true;
    Uncommitted "uncommitted" Unreserved true;
    Unencrypted "unencrypted" Unreserved true;
    Union "union" Reserved false;
    Unique "unique" Reserved true;
    Unknown "unknown" Unreserved true;
    Unlisten "unlisten" Unreserved true;
    Unlogged "unlogged" Unreserved true;
    Until "until" Unreserved true;
    Update "update" Unreserved true;
    User "user" Reserved true;
    Using "using" Reserved true;
    Vacuum "vacuum" Unreserved true;
    Valid "valid" Unreserved true;
    Validate "validate" Unreserved true;
    Validator "validator" Unreserved true;
    Value "value" Unreserved true;
    Values "values" ColName true;
    Varchar "varchar" ColName true;
    Variadic "variadic" Reserved true;
    Varying "varying" Unreserved false;
    Verbose "verbose" TypeFuncName true;
    Version "version" Unreserved true;
    View "view" Unreserved true;
    Views "views" Unreserved true;
    Volatile "volatile" Unreserved true;
    When "when" Reserved true;
    Where "where" Reserved false;
    Whitespace "whitespace" Unreserved true;
    Window "window" Reserved false;
    With "with" Reserved false;
    Within "within" Unreserved false;
    Without "without" Unreserved false;
    Work "work" Unreserved true;
    Wrapper "wrapper" Unreserved true;
    Write "write" Unreserved true;
    Xml "xml" Unreserved true;
    Xmlattributes "xmlattributes" ColName true;
    Xmlconcat "xmlconcat" ColName true;
    Xmlelement "xmlelement" ColName true;
    Xmlexists "xmlexists" ColName true;
    Xmlforest "xmlforest" ColName true;
    Xmlnamespaces "xmlnamespaces" ColName true;
    Xmlparse "xmlparse" ColName true;
    Xmlpi "xmlpi" ColName true;
    Xmlroot "xmlroot" ColName true;
    Xmlserialize "xmlserialize" ColName true;
    Xmltable "xmltable" ColName true;
    Year "year" Unreserved false;
    Yes "yes" Unreserved true;
    Zone "zone" Unreserved true;
}

/// The longest keyword is `current_timestamp`.
const LENGTH_MAX: usize = 17;
const SLOTS: usize = 2048;
const EMPTY: u16 = u16::MAX;

/// A hash of the length and four of the letters, case aside: enough to tell the keywords apart, and most other words
/// from all of them, without reading the whole word.
const fn slot(word: &[u8]) -> usize {
    let n = word.len();
    let (first, second) = (word[0] | 0x20, word[(n > 1) as usize] | 0x20);
    let (middle, last) = (word[n / 2] | 0x20, word[n - 1] | 0x20);
    let letters = u32::from_le_bytes([first, second, middle, last]);
    let hash = (letters ^ ((n as u32) << 13)).wrapping_mul(0x9e37_79b1);
    (hash >> (32 - SLOTS.trailing_zeros())) as usize
}

/// Open addressing with linear steps; a slot holds an index into `KEYWORDS`.
static TABLE: [u16; SLOTS] = {
    let mut table = [EMPTY; SLOTS];
    let mut i = 0;
    while i < KEYWORDS.len() {
        let mut at = slot(KEYWORDS[i].0.as_bytes());
        while table[at] != EMPTY {
            at = (at + 1) & (SLOTS - 1);
        }
        table[at] = i as u16;
        i += 1;
    }
    table
};

impl Keyword {
    /// The keyword that `word` is, in any case.
    pub fn lookup(word: &[u8]) -> Option<Keyword> {
        if word.is_empty() || word.len() > LENGTH_MAX {
            return None;
        }
        let mut at = slot(word);
        while TABLE[at] != EMPTY {
            let (spelling, _, _, keyword) = KEYWORDS[TABLE[at] as usize];
            if spelling.as_bytes().eq_ignore_ascii_case(word) {
                return Some(keyword);
            }
            at = (at + 1) & (SLOTS - 1);
        }
        None
    }

    /// Its spelling in lower case.
    pub fn word(self) -> &'static str {
        KEYWORDS[self as usize].0
    }

    pub fn class(self) -> KeywordClass {
        KEYWORDS[self as usize].1
    }

    /// May label a column without AS.
    pub fn is_bare_label(self) -> bool {
        KEYWORDS[self as usize].2
    }

    /// `ColId`: may name a column, a table and most other things.
    pub fn is_col_id(self) -> bool {
        matches!(self.class(), Unreserved | ColName)
    }

    /// `type_function_name`.
    pub fn is_type_function_name(self) -> bool {
        matches!(self.class(), Unreserved | TypeFuncName)
    }

    /// All of them, for `pg_get_keywords()`.
    pub fn all() -> impl Iterator<Item = Keyword> {
        KEYWORDS.iter().map(|k| k.3)
    }
}

/// The identifier as it must be written in SQL: bare if it reads back as itself, in double quotes otherwise
/// (PostgreSQL's `quote_identifier`: every keyword that is not unreserved gets quotes).
pub fn quote_ident(name: &str) -> Cow<'_, str> {
    let bytes = name.as_bytes();
    let starts = bytes.first().is_some_and(|b| b.is_ascii_lowercase() || *b == b'_');
    let plain = starts && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_');
    if plain && Keyword::lookup(bytes).is_none_or(|k| k.class() == Unreserved) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_found_in_any_case() {
        for keyword in Keyword::all() {
            assert_eq!(Keyword::lookup(keyword.word().as_bytes()), Some(keyword));
            assert_eq!(Keyword::lookup(keyword.word().to_uppercase().as_bytes()), Some(keyword));
            assert!(keyword.word().len() <= LENGTH_MAX);
        }
        assert_eq!(Keyword::lookup(b"abalance"), None);
        assert_eq!(Keyword::lookup(b""), None);
        let longest = Keyword::all().map(|k| {
            let (mut at, mut steps) = (slot(k.word().as_bytes()), 1);
            while TABLE[at] != k as u16 {
                (at, steps) = ((at + 1) & (SLOTS - 1), steps + 1);
            }
            steps
        });
        assert!(longest.max() < Some(8), "the hash spreads the keywords");
    }

    #[test]
    fn quotes_only_where_needed() {
        for (name, quoted) in [
            ("a", "a"),
            ("_a1", "_a1"),
            ("1a", "\"1a\""),
            ("A", "\"A\""),
            ("a$b", "\"a$b\""),
            ("select", "\"select\""),
            ("int", "\"int\""),
            ("left", "\"left\""),
            ("abort", "abort"),
            ("a\"b", "\"a\"\"b\""),
            ("", "\"\""),
            ("\u{e4}", "\"\u{e4}\""),
        ] {
            assert_eq!(quote_ident(name), quoted);
        }
    }
}
