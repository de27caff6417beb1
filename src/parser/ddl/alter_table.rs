//! `alter_table_cmds` and `alter_type_cmds`.

use super::super::ast::*;
use super::super::cursor::Parser;
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use crate::base::{Error, Result, SqlState};

impl Parser<'_> {
    /// `alter_table_cmds`, or one `partition_cmd`, which goes alone.
    pub(super) fn alter_table_cmds(&mut self, object: ObjectType) -> Result<Vec<AlterTableCommand>> {
        if self.at_any(&[Kw::Attach, Kw::Detach]) {
            return Ok(vec![self.partition_cmd(object)?]);
        }
        self.list(Self::alter_table_cmd)
    }

    /// `partition_cmd`, `index_partition_cmd`.
    fn partition_cmd(&mut self, object: ObjectType) -> Result<AlterTableCommand> {
        if self.kw(Kw::Attach) {
            self.expect_kw(Kw::Partition)?;
            let name = self.relation_name()?;
            if object == ObjectType::Index {
                return Ok(AlterTableCommand::AttachIndexPartition(name));
            }
            return Ok(AlterTableCommand::AttachPartition { name, bound: self.partition_bound()? });
        }
        if object == ObjectType::Index {
            return Err(self.unexpected());
        }
        self.expect_seq(&[Kw::Detach, Kw::Partition])?;
        let name = self.relation_name()?;
        if self.kw(Kw::Finalize) {
            return Ok(AlterTableCommand::DetachPartitionFinalize(name));
        }
        Ok(AlterTableCommand::DetachPartition { name, concurrently: self.kw(Kw::Concurrently) })
    }

    /// `alter_table_cmd`.
    fn alter_table_cmd(&mut self) -> Result<AlterTableCommand> {
        use AlterTableCommand::*;
        let Tok::Keyword(k) = self.peek() else { return Err(self.unexpected()) };
        if k == Kw::Options {
            return Ok(ForeignOptions(self.alter_generic_options()?));
        }
        self.advance();
        match k {
            Kw::Add => self.add_cmd(),
            Kw::Alter => self.alter_cmd(),
            Kw::Drop => self.drop_cmd(),
            Kw::Validate => self.expect_kw(Kw::Constraint).and_then(|()| Ok(ValidateConstraint(self.col_id()?))),
            Kw::Cluster => self.expect_kw(Kw::On).and_then(|()| Ok(ClusterOn(self.col_id()?))),
            Kw::Set => self.set_cmd(),
            Kw::Reset => Ok(ResetOptions(self.reloptions()?)),
            Kw::Enable | Kw::Disable => self.enable_cmd(k == Kw::Enable),
            Kw::Inherit => Ok(Inherit(self.relation_name()?)),
            Kw::No => {
                if self.kw(Kw::Inherit) {
                    return Ok(NoInherit(self.relation_name()?));
                }
                self.expect_kw(Kw::Force)?;
                self.row_security(NoForceRowSecurity)
            }
            Kw::Force => self.row_security(ForceRowSecurity),
            Kw::Of => {
                let name = self.any_name()?;
                let mut type_name = super::super::types::system_type("", name.pos());
                type_name.name = name;
                Ok(OfType(type_name))
            }
            Kw::Not => self.expect_kw(Kw::Of).map(|()| NotOf),
            Kw::Owner => self.expect_kw(Kw::To).and_then(|()| Ok(Owner(self.role_spec()?))),
            Kw::Replica => self.expect_kw(Kw::Identity).and_then(|()| Ok(ReplicaIdentity(self.replica_identity()?))),
            _ => Err(self.previous_unexpected()),
        }
    }

    fn row_security(&mut self, command: AlterTableCommand) -> Result<AlterTableCommand> {
        self.expect_seq(&[Kw::Row, Kw::Level, Kw::Security])?;
        Ok(command)
    }

    /// `replica_identity`.
    fn replica_identity(&mut self) -> Result<ReplicaIdentity> {
        match self.any(&[Kw::Nothing, Kw::Full, Kw::Default, Kw::Using]) {
            Some(Kw::Nothing) => Ok(ReplicaIdentity::Nothing),
            Some(Kw::Full) => Ok(ReplicaIdentity::Full),
            Some(Kw::Default) => Ok(ReplicaIdentity::Default),
            Some(_) => {
                self.expect_kw(Kw::Index)?;
                Ok(ReplicaIdentity::Index(self.col_id()?))
            }
            None => Err(self.unexpected()),
        }
    }

    fn add_cmd(&mut self) -> Result<AlterTableCommand> {
        if self.at_table_constraint() {
            return Ok(AlterTableCommand::AddConstraint(self.table_constraint()?));
        }
        self.kw(Kw::Column);
        let if_not_exists = self.if_not_exists()?;
        Ok(AlterTableCommand::AddColumn { column: self.column_def()?, if_not_exists })
    }

    fn drop_cmd(&mut self) -> Result<AlterTableCommand> {
        let constraint = self.kw(Kw::Constraint);
        if !constraint {
            self.kw(Kw::Column);
        }
        let if_exists = self.if_exists();
        let name = self.col_id()?;
        let behavior = self.drop_behavior();
        Ok(match constraint {
            true => AlterTableCommand::DropConstraint { name, if_exists, behavior },
            false => AlterTableCommand::DropColumn { name, if_exists, behavior },
        })
    }

    fn set_cmd(&mut self) -> Result<AlterTableCommand> {
        use AlterTableCommand::*;
        match self.any(&[Kw::Without, Kw::Logged, Kw::Unlogged, Kw::Access, Kw::Tablespace]) {
            Some(Kw::Without) => match self.any(&[Kw::Oids, Kw::Cluster]) {
                Some(Kw::Oids) => Ok(SetWithoutOids),
                Some(_) => Ok(SetWithoutCluster),
                None => Err(self.unexpected()),
            },
            Some(Kw::Logged) => Ok(SetLogged),
            Some(Kw::Unlogged) => Ok(SetUnlogged),
            Some(Kw::Access) => {
                self.expect_kw(Kw::Method)?;
                Ok(SetAccessMethod(self.col_id()?))
            }
            Some(_) => Ok(SetTablespace(self.col_id()?)),
            None => Ok(SetOptions(self.reloptions()?)),
        }
    }

    /// ENABLE and DISABLE of triggers, rules and row security.
    fn enable_cmd(&mut self, enable: bool) -> Result<AlterTableCommand> {
        if self.at_kw(Kw::Row) {
            return self.row_security(match enable {
                true => AlterTableCommand::EnableRowSecurity,
                false => AlterTableCommand::DisableRowSecurity,
            });
        }
        let mut mode = if enable { EnableMode::Enable } else { EnableMode::Disable };
        if enable {
            match self.any(&[Kw::Always, Kw::Replica]) {
                Some(Kw::Always) => mode = EnableMode::EnableAlways,
                Some(_) => mode = EnableMode::EnableReplica,
                None => {}
            }
        }
        if self.kw(Kw::Rule) {
            return Ok(AlterTableCommand::Rule { name: self.col_id()?, mode });
        }
        self.expect_kw(Kw::Trigger)?;
        let plain = matches!(mode, EnableMode::Enable | EnableMode::Disable);
        let which = match self.peek() {
            Tok::Keyword(Kw::All) if plain => TriggerSelector::All,
            Tok::Keyword(Kw::User) if plain => TriggerSelector::User,
            _ => return Ok(AlterTableCommand::Trigger { which: TriggerSelector::Name(self.col_id()?), mode }),
        };
        self.advance();
        Ok(AlterTableCommand::Trigger { which, mode })
    }

    /// ALTER [COLUMN] ..., ALTER CONSTRAINT.
    fn alter_cmd(&mut self) -> Result<AlterTableCommand> {
        use AlterTableCommand::*;
        if self.kw(Kw::Constraint) {
            let name = self.col_id()?;
            return Ok(AlterConstraint { name, timing: self.timing_attributes("FOREIGN KEY")? });
        }
        self.kw(Kw::Column);
        if self.at(Tok::Integer) {
            let pos = self.pos();
            let number = self.integer()?;
            self.expect_seq(&[Kw::Set, Kw::Statistics])?;
            let value = self.signed_integer()?;
            if !(1..=i32::from(i16::MAX)).contains(&number) {
                let message = "column number must be in range from 1 to 32767";
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(pos));
            }
            return Ok(SetStatistics { column: ColumnDesignator::Number(number), value });
        }
        let name = self.col_id()?;
        match self.peek() {
            Tok::Keyword(Kw::Set) => self.alter_column_set(name),
            Tok::Keyword(Kw::Drop) => self.alter_column_drop(name),
            Tok::Keyword(Kw::Type) => self.alter_column_type(name),
            Tok::Keyword(Kw::Reset) => {
                self.advance();
                Ok(ResetColumnOptions { name, options: self.reloptions()? })
            }
            Tok::Keyword(Kw::Restart) => self.alter_identity(name),
            Tok::Keyword(Kw::Add) => {
                self.expect_seq(&[Kw::Add, Kw::Generated])?;
                let always = self.generated_when()?;
                self.expect_seq(&[Kw::As, Kw::Identity])?;
                let options = if self.at(Tok::LParen) { self.parens(Self::sequence_options)? } else { Vec::new() };
                Ok(AddIdentity { name, always, options })
            }
            Tok::Keyword(Kw::Options) => Ok(ForeignColumnOptions { name, options: self.alter_generic_options()? }),
            _ => Err(self.unexpected()),
        }
    }

    fn alter_column_set(&mut self, name: Ident) -> Result<AlterTableCommand> {
        use AlterTableCommand::*;
        match self.kw_at(1) {
            Some(Kw::Data) => {
                self.advance();
                self.advance();
                self.alter_column_type(name)
            }
            Some(Kw::Default) => {
                self.advance();
                self.advance();
                Ok(ColumnDefault { name, value: Some(self.sourced(Self::a_expr)?) })
            }
            Some(Kw::Not) => {
                self.advance();
                self.advance();
                self.expect_kw(Kw::Null)?;
                Ok(SetNotNull(name))
            }
            Some(Kw::Statistics) => {
                self.advance();
                self.advance();
                Ok(SetStatistics { column: ColumnDesignator::Name(name), value: self.signed_integer()? })
            }
            Some(Kw::Storage) => {
                self.advance();
                self.advance();
                Ok(SetStorage { name, storage: self.col_id()? })
            }
            Some(Kw::Compression) => {
                self.advance();
                self.advance();
                Ok(SetCompression { name, method: self.compression_method()? })
            }
            _ if self.peek_at(1) == Tok::LParen => {
                self.advance();
                Ok(SetColumnOptions { name, options: self.reloptions()? })
            }
            _ => self.alter_identity(name),
        }
    }

    fn alter_column_drop(&mut self, name: Ident) -> Result<AlterTableCommand> {
        use AlterTableCommand::*;
        self.advance();
        match self.any(&[Kw::Default, Kw::Not, Kw::Expression, Kw::Identity]) {
            Some(Kw::Default) => Ok(ColumnDefault { name, value: None }),
            Some(Kw::Not) => self.expect_kw(Kw::Null).map(|()| DropNotNull(name)),
            Some(Kw::Expression) => Ok(DropExpression { name, if_exists: self.if_exists() }),
            Some(_) => Ok(DropIdentity { name, if_exists: self.if_exists() }),
            None => Err(self.unexpected()),
        }
    }

    /// `TYPE Typename opt_collate_clause alter_using`.
    fn alter_column_type(&mut self, name: Ident) -> Result<AlterTableCommand> {
        self.expect_kw(Kw::Type)?;
        let type_name = self.type_name()?;
        let collation = self.opt_collate()?;
        let using = if self.kw(Kw::Using) { Some(self.sourced(Self::a_expr)?) } else { None };
        Ok(AlterTableCommand::ColumnType { name, type_name, collation, using })
    }

    /// `alter_identity_column_option_list`.
    fn alter_identity(&mut self, name: Ident) -> Result<AlterTableCommand> {
        let mut options = Vec::new();
        loop {
            let pos = self.pos();
            if self.kw(Kw::Restart) {
                let kind = SequenceOptionKind::Restart(self.opt_restart_value()?);
                options.push(IdentityOption::Sequence(SequenceOption { kind, pos }));
            } else if self.kw(Kw::Set) {
                if self.kw(Kw::Generated) {
                    options.push(IdentityOption::Generated { always: self.generated_when()? });
                } else {
                    let option = self.opt_sequence_option()?.ok_or_else(|| self.unexpected())?;
                    options.push(IdentityOption::Sequence(option));
                }
            } else {
                return Ok(AlterTableCommand::SetIdentity { name, options });
            }
        }
    }

    /// `alter_type_cmds`.
    pub(super) fn alter_type_cmds(&mut self) -> Result<Vec<AlterTableCommand>> {
        self.list(|p| match p.any(&[Kw::Add, Kw::Drop, Kw::Alter]) {
            Some(Kw::Add) => {
                p.expect_kw(Kw::Attribute)?;
                let column = p.table_func_element()?;
                Ok(AlterTableCommand::AddAttribute { column, behavior: p.drop_behavior() })
            }
            Some(Kw::Drop) => {
                p.expect_kw(Kw::Attribute)?;
                let if_exists = p.if_exists();
                let name = p.col_id()?;
                Ok(AlterTableCommand::DropAttribute { name, if_exists, behavior: p.drop_behavior() })
            }
            Some(_) => {
                p.expect_kw(Kw::Attribute)?;
                let name = p.col_id()?;
                if p.kw(Kw::Set) {
                    p.expect_kw(Kw::Data)?;
                }
                p.expect_kw(Kw::Type)?;
                let type_name = p.type_name()?;
                let collation = p.opt_collate()?;
                Ok(AlterTableCommand::AttributeType { name, type_name, collation, behavior: p.drop_behavior() })
            }
            None => Err(p.unexpected()),
        })
    }
}
