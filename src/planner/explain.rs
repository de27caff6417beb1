//! EXPLAIN: a plan as text or JSON in PostgreSQL's shape.
//!
//! The plan becomes a tree of [`Item`]s first: what a node is called, its properties, its children and sub-plans. Nodes
//! that PostgreSQL has no node for (projections, filters) disappear into their neighbours; `Hash` appears below a hash join
//! as it would there. Column names are worked out on the way, from scans upward.

use super::deparse::{Label, Names, quote};
use super::plan::*;
use crate::base::{Error, Result};
use crate::expr::{Expr, SubqueryId};
use crate::table::TableDef;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

/// The options of EXPLAIN.
#[derive(Clone, Debug)]
pub struct ExplainOptions {
    pub analyze: bool,
    pub verbose: bool,
    pub costs: bool,
    pub timing: bool,
    pub summary: bool,
    pub format: Format,
}

impl Default for ExplainOptions {
    fn default() -> ExplainOptions {
        ExplainOptions {
            analyze: false,
            verbose: false,
            costs: true,
            timing: true,
            summary: false,
            format: Format::Text,
        }
    }
}

/// What EXPLAIN ANALYZE measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// In the order of [`PreparedPlan::parts`], parents before children.
    pub nodes: Vec<Actual>,
    pub planning_us: i64,
    pub execution_us: i64,
}

/// The output of EXPLAIN: lines of text, or one JSON document.
pub fn explain(plan: &PreparedPlan, options: &ExplainOptions, measured: Option<&Measured>) -> Result<Vec<String>> {
    let explainer = Explainer::new(plan, options, measured);
    let mut number = 0;
    let (mut root, _) = explainer.item(&plan.root, &mut number);
    explainer.add_ctes(&mut root);
    match options.format {
        Format::Text => {
            let mut lines = Vec::new();
            text(&root, 0, "", options, &mut lines);
            if let Some(m) = measured
                && options.summary
            {
                lines.push(format!("Planning Time: {:.3} ms", m.planning_us as f64 / 1000.0));
                lines.push(format!("Execution Time: {:.3} ms", m.execution_us as f64 / 1000.0));
            }
            Ok(lines)
        }
        Format::Json => {
            let mut out = String::from("[\n  {\n    \"Plan\": ");
            json(&root, None, 4, options, &mut out);
            if let Some(m) = measured
                && options.summary
            {
                write!(out, ",\n    \"Planning Time\": {:.3}", m.planning_us as f64 / 1000.0).map_err(never)?;
                out.push_str(",\n    \"Triggers\": [\n    ]");
                write!(out, ",\n    \"Execution Time\": {:.3}", m.execution_us as f64 / 1000.0).map_err(never)?;
            }
            out.push_str("\n  }\n]");
            Ok(vec![out])
        }
    }
}

fn never(_: std::fmt::Error) -> Error {
    Error::internal("text could not be written to memory")
}

/// One node as it is printed.
#[derive(Debug, Default)]
struct Item {
    title: String,
    kind: &'static str,
    /// Shown in JSON alone: what the title says in words.
    facts: Vec<(&'static str, String)>,
    props: Vec<(&'static str, Prop)>,
    estimate: Estimate,
    actual: Option<Actual>,
    children: Vec<Child>,
}

#[derive(Debug)]
enum Prop {
    Text(String),
    List(Vec<String>),
    Number(u64),
}

#[derive(Debug)]
struct Child {
    /// `InitPlan 1 (returns $0)`, `SubPlan 2`, `CTE m`; none for an input.
    label: Option<String>,
    relationship: &'static str,
    item: Item,
}

struct Explainer<'a> {
    plan: &'a PreparedPlan,
    options: &'a ExplainOptions,
    measured: Option<&'a Measured>,
    qualified: bool,
    slots: RefCell<BTreeMap<usize, Label>>,
    /// Sub-selects by the order in which they were met: their number, and that of their value if they are initial plans.
    subplans: RefCell<Vec<(SubqueryId, Option<usize>)>>,
    /// Where the numbers of each part's nodes begin.
    starts: Vec<usize>,
}

impl<'a> Explainer<'a> {
    fn new(plan: &'a PreparedPlan, options: &'a ExplainOptions, measured: Option<&'a Measured>) -> Explainer<'a> {
        let mut starts = Vec::new();
        let (mut total, mut relations) = (0, 0);
        for part in plan.parts() {
            starts.push(total);
            if let Some(part) = part {
                total += part.node_count();
                relations += count_relations(part);
            }
        }
        Explainer {
            plan,
            options,
            measured,
            qualified: relations > 1 || options.verbose,
            slots: RefCell::default(),
            subplans: RefCell::default(),
            starts,
        }
    }

    fn show(&self, expr: &Expr, input: &[Label]) -> String {
        let slots = |slot: usize| self.slots.borrow().get(&slot).cloned();
        let subplan = |id: SubqueryId| self.subplan_name(id);
        Names { input, slots: &slots, subplan: &subplan, qualified: self.qualified }.show(expr)
    }

    /// A top-level condition always has parentheses.
    fn condition(&self, expr: &Expr, input: &[Label]) -> String {
        let text = self.show(expr, input);
        let wrapped = text.starts_with('(') && closes_at_end(&text);
        if wrapped || matches!(expr, Expr::Input { .. } | Expr::Subquery { .. }) { text } else { format!("({text})") }
    }

    /// What a sub-select is called, numbered when it is first met.
    fn subplan_name(&self, id: SubqueryId) -> String {
        let mut met = self.subplans.borrow_mut();
        let initial = self.is_initial(id);
        let at = match met.iter().position(|m| m.0 == id) {
            Some(at) => at,
            None => {
                let value = initial.then(|| met.iter().filter(|m| m.1.is_some()).count());
                met.push((id, value));
                met.len() - 1
            }
        };
        match met[at].1 {
            Some(value) => format!("${value}"),
            None if self.subplan(id).is_some_and(|s| s.hashed) => format!("hashed SubPlan {}", at + 1),
            None => format!("SubPlan {}", at + 1),
        }
    }

    fn subplan(&self, id: SubqueryId) -> Option<&'a Subplan> {
        self.plan.subplans.get(id.0 as usize)?.as_ref()
    }

    /// Runs once, before the rows: uncorrelated, and not compared row by row.
    fn is_initial(&self, id: SubqueryId) -> bool {
        self.subplan(id).is_some_and(|s| s.uncorrelated && !s.hashed && !s.quantified)
    }

    /// Notes the values that sub-selects in an expression take from its input.
    fn note_slots(&self, expr: &Expr, input: &[Label]) {
        expr.visit(&mut |e| {
            if let Expr::Subquery { args, .. } = e {
                for (slot, value) in args {
                    if let Expr::Input { index, .. } = value
                        && let Some(label) = input.get(*index)
                    {
                        self.slots.borrow_mut().insert(*slot, label.clone());
                    }
                }
            }
            true
        });
    }

    /// The sub-plans of the expressions of one node, as children of its item.
    fn add_subplans<'e>(&self, item: &mut Item, exprs: impl IntoIterator<Item = &'e Expr>, input: &[Label]) {
        let mut ids = BTreeSet::new();
        for expr in exprs {
            self.note_slots(expr, input);
            ids.extend(expr.subqueries());
        }
        for id in ids {
            let Some(sub) = self.subplan(id) else { continue };
            if item
                .children
                .iter()
                .any(|c| c.relationship == "SubPlan" && c.label.as_deref() == Some(&*self.subplan_name(id)))
            {
                continue;
            }
            let name = self.subplan_name(id);
            let position = self.subplans.borrow().iter().position(|m| m.0 == id).map_or(0, |p| p + 1);
            let label = match name.strip_prefix('$') {
                Some(value) => format!("InitPlan {position} (returns ${value})"),
                None => format!("SubPlan {position}"),
            };
            let mut number = self.starts[1 + self.plan.ctes.len() + id.0 as usize];
            let (child, _) = self.item(&sub.plan, &mut number);
            let relationship = if self.is_initial(id) { "InitPlan" } else { "SubPlan" };
            item.children.push(Child { label: Some(label), relationship, item: child });
        }
    }

    fn add_ctes(&self, root: &mut Item) {
        for (i, cte) in self.plan.ctes.iter().enumerate() {
            let mut number = self.starts[1 + i];
            let (item, _) = self.item(&cte.plan, &mut number);
            let label = Some(format!("CTE {}", quote(&cte.name)));
            root.children.insert(i, Child { label, relationship: "InitPlan", item });
        }
    }

    fn base(&self, plan: &Plan, number: usize, kind: &'static str, title: String) -> Item {
        let actual = self.measured.and_then(|m| m.nodes.get(number)).copied();
        Item { title, kind, estimate: plan.estimate, actual, ..Item::default() }
    }

    fn child(&self, item: &mut Item, relationship: &'static str, child: Item) {
        item.children.push(Child { label: None, relationship, item: child });
    }

    /// A node with one input: its item has the input's item as a child.
    fn over(&self, item: &mut Item, plan: &Plan, number: &mut usize) -> Vec<Label> {
        let (child, labels) = self.item(plan, number);
        self.child(item, "Outer", child);
        labels
    }

    /// The item of a plan and the names of its columns.
    fn item(&self, plan: &Plan, next: &mut usize) -> (Item, Vec<Label>) {
        let number = *next;
        *next += 1;
        let new = |kind: &'static str, title: &str| self.base(plan, number, kind, title.to_owned());
        match &plan.node {
            Node::Result(n) => {
                let mut item = new("Result", "Result");
                if let Some(c) = &n.condition {
                    item.props.push(("One-Time Filter", Prop::Text(self.one_time(c))));
                }
                self.add_subplans(&mut item, n.exprs.iter().chain(&n.condition), &[]);
                let labels = n.exprs.iter().map(|e| computed(self.show(e, &[]))).collect();
                (self.verbose(item, n.exprs.iter().map(|e| self.show(e, &[])).collect()), labels)
            }
            Node::Gate(n) => {
                let mut item = new("Result", "Result");
                item.props.push(("One-Time Filter", Prop::Text(self.one_time(&n.condition))));
                self.add_subplans(&mut item, [&n.condition], &[]);
                let labels = self.over(&mut item, &n.input, next);
                (item, labels)
            }
            Node::Values(n) => {
                let mut item = new("Values Scan", &format!("Values Scan on {}", quote(&n.alias)));
                item.facts.push(("Alias", n.alias.to_string()));
                let labels = (1..=plan.types.len())
                    .map(|i| Label { relation: Some(n.alias.to_string()), text: format!("column{i}") })
                    .collect();
                (item, labels)
            }
            Node::Lookup(n) => self.lookup(plan, number, n),
            Node::SeqScan(n) => {
                let title = format!("Seq Scan on {}", self.table_name(&n.def, &n.alias));
                let mut item = new("Seq Scan", &title);
                relation_facts(&mut item, &n.def, &n.alias);
                self.scan(item, n)
            }
            Node::IndexScan(n) => {
                let index = n.index.map_or("", |i| n.def.indexes[i].index.name.as_str());
                let kind = if n.covering { "Index Only Scan" } else { "Index Scan" };
                let backward = if n.backward { " Backward" } else { "" };
                let title = format!("{kind}{backward} using {} on {}", quote(index), self.table_name(&n.def, &n.alias));
                let mut item = new(kind, &title);
                item.facts.push(("Scan Direction", if n.backward { "Backward" } else { "Forward" }.to_owned()));
                item.facts.push(("Index Name", index.to_owned()));
                relation_facts(&mut item, &n.def, &n.alias);
                self.scan(item, n)
            }
            Node::SystemScan(n) => {
                let name = aliased(n.table.name, &n.alias);
                let mut item = new("Seq Scan", &format!("Seq Scan on {name}"));
                item.facts.push(("Relation Name", n.table.name.to_owned()));
                item.facts.push(("Alias", n.alias.to_string()));
                let labels: Vec<Label> = n
                    .columns
                    .iter()
                    .map(|c| {
                        let text = c.map_or("tableoid", |c| n.table.columns[c].name).to_owned();
                        Label { relation: Some(n.alias.to_string()), text }
                    })
                    .collect();
                self.filter(&mut item, n.filter.as_ref(), &labels);
                (item, labels)
            }
            Node::FunctionScan(n) => self.function_scan(plan, number, n),
            Node::CteScan(n) => {
                let mut item = new("CTE Scan", &format!("CTE Scan on {}", aliased(&n.name, &n.alias)));
                item.facts.push(("CTE Name", n.name.to_string()));
                item.facts.push(("Alias", n.alias.to_string()));
                let labels = self.cte_labels(&self.plan.ctes[n.cte].plan, &n.columns, &n.alias);
                (item, labels)
            }
            Node::WorkTableScan(n) => {
                let item = new("WorkTable Scan", &format!("WorkTable Scan on {}", quote(&n.alias)));
                let label = |i: &usize| Label { relation: Some(n.alias.to_string()), text: format!("column{}", i + 1) };
                (item, n.columns.iter().map(label).collect())
            }
            Node::Filter(n) => {
                let (mut item, labels) = self.item(&n.input, next);
                item.estimate.rows = plan.estimate.rows;
                item.estimate.total = plan.estimate.total;
                if self.measured.is_some() {
                    let passed = self.measured.and_then(|m| m.nodes.get(number)).copied().unwrap_or_default();
                    let before = item.actual.unwrap_or_default();
                    item.actual = Some(passed);
                    self.filter(&mut item, Some(&n.condition), &labels);
                    removed(&mut item, before.rows.saturating_sub(passed.rows), passed.loops);
                } else {
                    self.filter(&mut item, Some(&n.condition), &labels);
                }
                (item, labels)
            }
            Node::Project(n) => {
                let (mut item, labels) = self.item(&n.input, next);
                item.estimate.width = plan.estimate.width;
                self.add_subplans(&mut item, &n.exprs, &labels);
                let shown: Vec<String> = n.exprs.iter().map(|e| self.show(e, &labels)).collect();
                let out = self.project_labels(&n.exprs, &labels);
                item.props.retain(|p| p.0 != "Output");
                (self.verbose(item, shown), out)
            }
            Node::ProjectSet(n) => {
                let mut item = new("ProjectSet", "ProjectSet");
                let mut labels = self.over(&mut item, &n.input, next);
                labels.extend(n.calls.iter().map(|c| computed(format!("{}(...)", c.func.name))));
                (item, labels)
            }
            Node::NestedLoop(n) => self.nested_loop(plan, number, n, next),
            Node::HashJoin(n) => self.hash_join(plan, number, n, next),
            Node::Aggregate(n) => self.aggregate(plan, number, n, next),
            Node::Window(n) => {
                let mut item = new("WindowAgg", "WindowAgg");
                let mut labels = self.over(&mut item, &n.input, next);
                labels.extend(n.calls.iter().map(|c| computed(format!("{}() OVER (?)", c.func.name))));
                (item, labels)
            }
            Node::Distinct(n) => {
                let hashed = !n.sorted && n.on.is_none();
                let mut item = if hashed { new("Aggregate", "HashAggregate") } else { new("Unique", "Unique") };
                if hashed {
                    item.facts.push(("Strategy", "Hashed".to_owned()));
                }
                let mut below = Item::default();
                let labels = self.over(&mut below, &n.input, next);
                if hashed {
                    let keys = (0..labels.len())
                        .map(|index| self.show(&Expr::Input { index, ty: n.input.types[index] }, &labels));
                    item.props.push(("Group Key", Prop::List(keys.collect())));
                }
                item.children = below.children;
                (item, labels)
            }
            Node::Sort(n) => {
                let mut item = new("Sort", "Sort");
                let (child, labels) = self.item(&n.input, next);
                let keys = n.keys.iter().map(|k| self.sort_key(k, &labels)).collect();
                item.props.push(("Sort Key", Prop::List(keys)));
                self.add_subplans(&mut item, n.keys.iter().map(|k| &k.expr), &labels);
                self.child(&mut item, "Outer", child);
                (item, labels)
            }
            Node::Limit(n) => {
                let mut item = new("Limit", "Limit");
                let labels = self.over(&mut item, &n.input, next);
                (item, labels)
            }
            Node::SetOp(n) => {
                let name = match (n.kind, n.all) {
                    (SetOpKind::Intersect, false) => "Intersect",
                    (SetOpKind::Intersect, true) => "Intersect All",
                    (SetOpKind::Except, false) => "Except",
                    (SetOpKind::Except, true) => "Except All",
                    (SetOpKind::Union, _) => "Union",
                };
                let mut item = new("SetOp", &format!("HashSetOp {name}"));
                item.facts.push(("Strategy", "Hashed".to_owned()));
                item.facts.push(("Command", name.to_owned()));
                let (left, labels) = self.item(&n.left, next);
                let (right, _) = self.item(&n.right, next);
                self.child(&mut item, "Outer", left);
                self.child(&mut item, "Inner", right);
                (item, labels)
            }
            Node::Append(n) => {
                let mut item = new("Append", "Append");
                let mut labels = Vec::new();
                for (i, input) in n.inputs.iter().enumerate() {
                    let (child, names) = self.item(input, next);
                    self.child(&mut item, "Member", child);
                    if i == 0 {
                        labels = names;
                    }
                }
                (item, labels)
            }
            Node::RecursiveUnion(n) => {
                let mut item = new("Recursive Union", "Recursive Union");
                let (seed, labels) = self.item(&n.seed, next);
                let (step, _) = self.item(&n.step, next);
                self.child(&mut item, "Outer", seed);
                self.child(&mut item, "Inner", step);
                (item, labels)
            }
            Node::LockRows(n) => {
                let mut item = new("LockRows", "LockRows");
                let labels = self.over(&mut item, &n.input, next);
                (item, labels)
            }
            Node::Insert(n) => {
                let mut item = self.modify(plan, number, "Insert", &n.table.def, &n.alias);
                if let Some(c) = &n.conflict {
                    let what = if c.update.is_some() { "UPDATE" } else { "NOTHING" };
                    item.props.push(("Conflict Resolution", Prop::Text(what.to_owned())));
                    let names: Vec<String> =
                        c.arbiters.iter().map(|&i| quote(&n.table.def.indexes[i].index.name)).collect();
                    if !names.is_empty() {
                        item.props.push(("Conflict Arbiter Indexes", Prop::List(names)));
                    }
                }
                self.over(&mut item, &n.input, next);
                (item, returning_labels(plan))
            }
            Node::Update(n) => {
                let mut item = self.modify(plan, number, "Update", &n.table.def, &n.alias);
                self.over(&mut item, &n.input, next);
                (item, returning_labels(plan))
            }
            Node::Merge(n) => {
                let mut item = self.modify(plan, number, "Merge", &n.table.def, &n.alias);
                self.over(&mut item, &n.input, next);
                (item, Vec::new())
            }
            Node::Delete(n) => {
                let mut item = self.modify(plan, number, "Delete", &n.table.def, &n.alias);
                self.over(&mut item, &n.input, next);
                (item, returning_labels(plan))
            }
        }
    }

    fn one_time(&self, condition: &Expr) -> String {
        match condition {
            Expr::Const { value: crate::types::Datum::Bool(true), .. } => "true".to_owned(),
            Expr::Const { .. } => "false".to_owned(),
            other => self.condition(other, &[]),
        }
    }

    fn verbose(&self, mut item: Item, output: Vec<String>) -> Item {
        if self.options.verbose && !output.is_empty() {
            item.props.insert(0, ("Output", Prop::List(output)));
        }
        item
    }

    fn table_name(&self, def: &TableDef, alias: &str) -> String {
        match self.options.verbose {
            true => {
                let full = format!("{}.{}", quote(&def.schema), quote(&def.table.name));
                if *alias == def.table.name { full } else { format!("{full} {}", quote(alias)) }
            }
            false => aliased(&def.table.name, alias),
        }
    }

    fn scan_labels(&self, def: &TableDef, alias: &str, columns: &[ScanColumn]) -> Vec<Label> {
        let text = |c: &ScanColumn| match c {
            ScanColumn::Column(at) => def.table.columns[*at].name.clone(),
            ScanColumn::RowKey | ScanColumn::Ctid => "ctid".to_owned(),
            ScanColumn::TableOid => "tableoid".to_owned(),
        };
        columns.iter().map(|c| Label { relation: Some(alias.to_owned()), text: text(c) }).collect()
    }

    /// All columns of a table by position: what range conditions are over.
    fn table_labels(&self, def: &TableDef, alias: &str) -> Vec<Label> {
        let columns = def.table.columns.iter();
        columns.map(|c| Label { relation: Some(alias.to_owned()), text: c.name.clone() }).collect()
    }

    fn index_condition(&self, item: &mut Item, def: &TableDef, alias: &str, conditions: &[RangeCondition]) {
        if conditions.is_empty() {
            return;
        }
        let labels = self.table_labels(def, alias);
        let one = |c: &RangeCondition| {
            let target = self.show(&c.target, &labels);
            match &c.value {
                None => format!("({target} IS NULL)"),
                Some(v) if c.any => format!("({target} = ANY ({}))", self.show(v, &[])),
                Some(v) => format!("({target} {} {})", c.operator, self.show(v, &[])),
            }
        };
        let all: Vec<String> = conditions.iter().map(one).collect();
        let text = if all.len() == 1 { all.join("") } else { format!("({})", all.join(" AND ")) };
        item.props.push(("Index Cond", Prop::Text(text)));
    }

    fn filter(&self, item: &mut Item, filter: Option<&Expr>, labels: &[Label]) {
        let Some(filter) = filter else { return };
        self.note_slots(filter, labels);
        item.props.push(("Filter", Prop::Text(self.condition(filter, labels))));
        self.add_subplans(item, [filter], labels);
    }

    fn scan(&self, mut item: Item, n: &Scan) -> (Item, Vec<Label>) {
        let labels = self.scan_labels(&n.def, &n.alias, &n.columns);
        self.index_condition(&mut item, &n.def, &n.alias, &n.range_conditions);
        self.filter(&mut item, n.filter.as_ref(), &labels);
        let output = (0..labels.len()).map(|i| self.label(&labels[i])).collect();
        (self.verbose(item, output), labels)
    }

    fn label(&self, label: &Label) -> String {
        let names = Names { input: &[], slots: &|_| None, subplan: &|_| String::new(), qualified: self.qualified };
        names.label(label)
    }

    fn lookup(&self, plan: &Plan, number: usize, n: &Lookup) -> (Item, Vec<Label>) {
        let index = &n.def.indexes[n.index].index.name;
        let title = format!("Index Scan using {} on {}", quote(index), self.table_name(&n.def, &n.alias));
        let mut item = self.base(plan, number, "Index Scan", title);
        item.facts.push(("Scan Direction", "Forward".to_owned()));
        item.facts.push(("Index Name", index.clone()));
        relation_facts(&mut item, &n.def, &n.alias);
        let labels = self.scan_labels(&n.def, &n.alias, &n.columns);
        self.index_condition(&mut item, &n.def, &n.alias, &n.range_conditions);
        self.filter(&mut item, n.filter.as_ref(), &labels);
        match &n.project {
            Some(exprs) => {
                self.add_subplans(&mut item, exprs, &labels);
                let shown = exprs.iter().map(|e| self.show(e, &labels)).collect();
                let out = self.project_labels(exprs, &labels);
                (self.verbose(item, shown), out)
            }
            None => {
                let output = labels.iter().map(|l| self.label(l)).collect();
                (self.verbose(item, output), labels)
            }
        }
    }

    fn project_labels(&self, exprs: &[Expr], labels: &[Label]) -> Vec<Label> {
        exprs
            .iter()
            .map(|e| match e {
                Expr::Input { index, .. } => labels[*index].clone(),
                other => computed(self.show(other, labels)),
            })
            .collect()
    }

    fn function_scan(&self, plan: &Plan, number: usize, n: &FunctionScan) -> (Item, Vec<Label>) {
        let name = match n.calls.as_slice() {
            [one] => match &one.source {
                FunctionSource::Set(call) => aliased(call.func.name, &n.alias),
                FunctionSource::Scalar(Expr::Call { func, .. }) => aliased(func.name, &n.alias),
                FunctionSource::Scalar(_) => quote(&n.alias),
            },
            _ => quote(&n.alias),
        };
        let mut item = self.base(plan, number, "Function Scan", format!("Function Scan on {name}"));
        item.facts.push(("Alias", n.alias.to_string()));
        let labels = (0..plan.types.len())
            .map(|i| Label {
                relation: Some(n.alias.to_string()),
                text: if plan.types.len() == 1 { n.alias.to_string() } else { format!("column{}", i + 1) },
            })
            .collect();
        (item, labels)
    }

    fn cte_labels(&self, plan: &Plan, columns: &[usize], alias: &str) -> Vec<Label> {
        let mut number = 0;
        let quiet = Explainer { measured: None, ..Explainer::new(self.plan, self.options, None) };
        let (_, inner) = quiet.item(plan, &mut number);
        let text = |i: &usize| match inner.get(*i) {
            Some(l) if l.relation.is_some() => l.text.clone(),
            _ => format!("column{}", i + 1),
        };
        columns.iter().map(|i| Label { relation: Some(alias.to_owned()), text: text(i) }).collect()
    }

    fn nested_loop(&self, plan: &Plan, number: usize, n: &NestedLoop, next: &mut usize) -> (Item, Vec<Label>) {
        let title = match n.kind {
            JoinKind::Inner => "Nested Loop".to_owned(),
            kind => format!("Nested Loop {} Join", join_name(kind)),
        };
        let mut item = self.base(plan, number, "Nested Loop", title);
        item.facts.push(("Join Type", join_name(n.kind).to_owned()));
        let (left, left_labels) = self.item(&n.left, next);
        for (slot, value) in &n.slots {
            if let Expr::Input { index, .. } = value
                && let Some(label) = left_labels.get(*index)
            {
                self.slots.borrow_mut().insert(*slot, label.clone());
            }
        }
        let (right, right_labels) = self.item(&n.right, next);
        let both = [left_labels.clone(), right_labels].concat();
        if let Some(c) = &n.condition {
            item.props.push(("Join Filter", Prop::Text(self.condition(c, &both))));
            self.add_subplans(&mut item, [c], &both);
        }
        self.child(&mut item, "Outer", left);
        self.child(&mut item, "Inner", right);
        (item, if n.kind.left_only() { left_labels } else { both })
    }

    fn hash_join(&self, plan: &Plan, number: usize, n: &HashJoin, next: &mut usize) -> (Item, Vec<Label>) {
        let title = match n.kind {
            JoinKind::Inner => "Hash Join".to_owned(),
            kind => format!("Hash {} Join", join_name(kind)),
        };
        let mut item = self.base(plan, number, "Hash Join", title);
        item.facts.push(("Join Type", join_name(n.kind).to_owned()));
        let (left, left_labels) = self.item(&n.left, next);
        let (right, right_labels) = self.item(&n.right, next);
        let pairs: Vec<String> = n
            .keys
            .iter()
            .map(|(l, r)| format!("({} = {})", self.show(l, &left_labels), self.show(r, &right_labels)))
            .collect();
        let text = if pairs.len() == 1 { pairs.join("") } else { format!("({})", pairs.join(" AND ")) };
        item.props.push(("Hash Cond", Prop::Text(text)));
        let both = [left_labels.clone(), right_labels].concat();
        if let Some(c) = &n.condition {
            item.props.push(("Join Filter", Prop::Text(self.condition(c, &both))));
            self.add_subplans(&mut item, [c], &both);
        }
        let mut estimate = right.estimate;
        estimate.startup = estimate.total;
        let mut hash =
            Item { title: "Hash".to_owned(), kind: "Hash", estimate, actual: right.actual, ..Item::default() };
        self.child(&mut hash, "Outer", right);
        self.child(&mut item, "Outer", left);
        self.child(&mut item, "Inner", hash);
        (item, if n.kind.left_only() { left_labels } else { both })
    }

    fn aggregate(&self, plan: &Plan, number: usize, n: &Aggregate, next: &mut usize) -> (Item, Vec<Label>) {
        let (title, strategy) = match n.strategy {
            Strategy::Plain => ("Aggregate", "Plain"),
            Strategy::Hashed if n.sets.len() > 1 => ("MixedAggregate", "Mixed"),
            Strategy::Hashed => ("HashAggregate", "Hashed"),
            Strategy::Sorted => ("GroupAggregate", "Sorted"),
        };
        let mut item = self.base(plan, number, "Aggregate", title.to_owned());
        item.facts.push(("Strategy", strategy.to_owned()));
        let (child, labels) = self.item(&n.input, next);
        let keys: Vec<String> = n.keys.iter().map(|k| self.show(k, &labels)).collect();
        if n.sets.len() > 1 {
            for set in &n.sets {
                let shown: Vec<String> = set.iter().map(|&i| keys[i].clone()).collect();
                let key = if set.is_empty() { "Group Key" } else { "Hash Key" };
                item.props.push((key, Prop::List(if shown.is_empty() { vec!["()".to_owned()] } else { shown })));
            }
        } else if !keys.is_empty() {
            item.props.push(("Group Key", Prop::List(keys.clone())));
        }
        self.add_subplans(&mut item, n.calls.iter().flat_map(|c| &c.args), &labels);
        self.child(&mut item, "Outer", child);
        let mut out: Vec<Label> = n
            .keys
            .iter()
            .zip(&keys)
            .map(|(k, text)| match k {
                Expr::Input { index, .. } => labels[*index].clone(),
                _ => computed(text.clone()),
            })
            .collect();
        out.extend(n.calls.iter().map(|c| Label { relation: None, text: self.call(c, &labels) }));
        out.extend(n.groupings.iter().map(|g| {
            let args: Vec<&str> = g.iter().map(|&i| keys[i].as_str()).collect();
            computed(format!("GROUPING({})", args.join(", ")))
        }));
        (item, out)
    }

    fn call(&self, call: &AggCall, labels: &[Label]) -> String {
        let args: Vec<String> = call.args.iter().map(|a| self.show(a, labels)).collect();
        let inner = if args.is_empty() { "*".to_owned() } else { args.join(", ") };
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        let mut text = format!("{}({distinct}{inner}", call.func.name);
        if !call.order.is_empty() {
            let keys: Vec<String> = call.order.iter().map(|k| self.sort_key(k, labels)).collect();
            text += &format!(" ORDER BY {}", keys.join(", "));
        }
        text.push(')');
        if let Some(filter) = &call.filter {
            text += &format!(" FILTER (WHERE {})", self.condition(filter, labels));
        }
        text
    }

    fn sort_key(&self, key: &SortKey, labels: &[Label]) -> String {
        let mut text = self.show(&key.expr, labels);
        let simple = matches!(&key.expr, Expr::Input { .. }) || text.starts_with('(');
        if !simple {
            text = format!("({text})");
        }
        text += match (key.descending, key.nulls_first) {
            (false, false) => "",
            (false, true) => " NULLS FIRST",
            (true, true) => " DESC",
            (true, false) => " DESC NULLS LAST",
        };
        text
    }

    fn modify(&self, plan: &Plan, number: usize, what: &'static str, def: &TableDef, alias: &str) -> Item {
        let title = format!("{what} on {}", self.table_name(def, alias));
        let mut item = self.base(plan, number, "ModifyTable", title);
        item.facts.push(("Operation", what.to_owned()));
        relation_facts(&mut item, def, alias);
        if plan.types.is_empty() {
            item.estimate.rows = 0.0;
            item.estimate.width = 0;
        }
        item
    }
}

fn removed(item: &mut Item, rows: u64, loops: u64) {
    if rows > 0 {
        item.props.push(("Rows Removed by Filter", Prop::Number(rows / loops.max(1))));
    }
}

fn computed(text: String) -> Label {
    Label { relation: None, text }
}

fn returning_labels(plan: &Plan) -> Vec<Label> {
    (1..=plan.types.len()).map(|i| computed(format!("column{i}"))).collect()
}

fn relation_facts(item: &mut Item, def: &TableDef, alias: &str) {
    item.facts.push(("Relation Name", def.table.name.clone()));
    item.facts.push(("Alias", alias.to_owned()));
}

fn aliased(name: &str, alias: &str) -> String {
    if name == alias { quote(name) } else { format!("{} {}", quote(name), quote(alias)) }
}

fn join_name(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "Inner",
        JoinKind::Left => "Left",
        JoinKind::Right => "Right",
        JoinKind::Full => "Full",
        JoinKind::Semi => "Semi",
        JoinKind::Anti | JoinKind::NullAwareAnti => "Anti",
    }
}

fn count_relations(plan: &Plan) -> usize {
    let own = match &plan.node {
        Node::Lookup(_)
        | Node::SeqScan(_)
        | Node::IndexScan(_)
        | Node::SystemScan(_)
        | Node::FunctionScan(_)
        | Node::CteScan(_)
        | Node::WorkTableScan(_)
        | Node::Values(_) => 1,
        _ => 0,
    };
    own + plan.children().into_iter().map(count_relations).sum::<usize>()
}

/// Whether the parenthesis that opens the text closes at its very end.
fn closes_at_end(text: &str) -> bool {
    let mut depth = 0i32;
    let mut quoted = false;
    for (i, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return i + 1 == text.len();
                }
            }
            _ => {}
        }
    }
    false
}

fn figures(item: &Item, options: &ExplainOptions) -> String {
    let e = &item.estimate;
    let mut out = String::new();
    if options.costs {
        out +=
            &format!("  (cost={:.2}..{:.2} rows={:.0} width={})", e.startup, e.total.max(e.startup), e.rows, e.width);
    }
    if let (true, Some(a)) = (options.analyze, &item.actual) {
        if a.loops == 0 {
            out += " (never executed)";
            return out;
        }
        let per = |us: i64| us as f64 / 1000.0 / a.loops as f64;
        out += " (actual ";
        if options.timing {
            out += &format!("time={:.3}..{:.3} ", per(a.startup_us), per(a.total_us));
        }
        out += &format!("rows={:.0} loops={})", a.rows as f64 / a.loops as f64, a.loops);
    }
    out
}

fn text(item: &Item, indent: usize, arrow: &str, options: &ExplainOptions, lines: &mut Vec<String>) {
    let pad = " ".repeat(indent);
    lines.push(format!("{pad}{arrow}{}{}", item.title, figures(item, options)));
    let inner = if arrow.is_empty() { indent + 2 } else { indent + 6 };
    let prop_pad = " ".repeat(inner);
    for (key, value) in &item.props {
        let value = match value {
            Prop::Text(t) => t.clone(),
            Prop::List(l) => l.join(", "),
            Prop::Number(n) => n.to_string(),
        };
        lines.push(format!("{prop_pad}{key}: {value}"));
    }
    let ordered = |label: bool| item.children.iter().filter(move |c| c.label.is_some() == label);
    let initial = ordered(true).filter(|c| c.relationship == "InitPlan");
    let sub = ordered(true).filter(|c| c.relationship != "InitPlan");
    for child in initial.chain(ordered(false)).chain(sub) {
        match &child.label {
            Some(label) => {
                lines.push(format!("{prop_pad}{label}"));
                text(&child.item, inner + 2, "->  ", options, lines);
            }
            None => text(&child.item, inner, "->  ", options, lines),
        }
    }
}

fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => out += &format!("\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn json(item: &Item, place: Option<&Child>, indent: usize, options: &ExplainOptions, out: &mut String) {
    let pad = " ".repeat(indent + 2);
    let mut fields = vec![("Node Type".to_owned(), json_string(item.kind))];
    if let Some(child) = place {
        fields.push(("Parent Relationship".to_owned(), json_string(child.relationship)));
        if let Some(label) = &child.label {
            fields.push(("Subplan Name".to_owned(), json_string(label)));
        }
    }
    fields.push(("Parallel Aware".to_owned(), "false".to_owned()));
    fields.push(("Async Capable".to_owned(), "false".to_owned()));
    fields.extend(item.facts.iter().map(|(k, v)| ((*k).to_owned(), json_string(v))));
    let e = &item.estimate;
    if options.costs {
        fields.push(("Startup Cost".to_owned(), format!("{:.2}", e.startup)));
        fields.push(("Total Cost".to_owned(), format!("{:.2}", e.total.max(e.startup))));
        fields.push(("Plan Rows".to_owned(), format!("{:.0}", e.rows)));
        fields.push(("Plan Width".to_owned(), e.width.to_string()));
    }
    if let (true, Some(a)) = (options.analyze, &item.actual) {
        let loops = a.loops.max(1) as f64;
        if options.timing {
            fields.push(("Actual Startup Time".to_owned(), format!("{:.3}", a.startup_us as f64 / 1000.0 / loops)));
            fields.push(("Actual Total Time".to_owned(), format!("{:.3}", a.total_us as f64 / 1000.0 / loops)));
        }
        fields.push(("Actual Rows".to_owned(), format!("{:.0}", a.rows as f64 / loops)));
        fields.push(("Actual Loops".to_owned(), a.loops.to_string()));
    }
    for (key, value) in &item.props {
        let value = match value {
            Prop::Text(t) => json_string(t),
            Prop::List(l) => format!("[{}]", l.iter().map(|t| json_string(t)).collect::<Vec<_>>().join(", ")),
            Prop::Number(n) => n.to_string(),
        };
        fields.push(((*key).to_owned(), value));
    }
    out.push_str("{\n");
    for (i, (key, value)) in fields.iter().enumerate() {
        let comma = if i == 0 { "" } else { ",\n" };
        *out += &format!("{comma}{pad}{}: {value}", json_string(key));
    }
    if !item.children.is_empty() {
        *out += &format!(",\n{pad}\"Plans\": [\n");
        for (i, child) in item.children.iter().enumerate() {
            if i > 0 {
                out.push_str(",\n");
            }
            *out += &" ".repeat(indent + 4);
            json(&child.item, Some(child), indent + 4, options, out);
        }
        *out += &format!("\n{pad}]");
    }
    *out += &format!("\n{}}}", " ".repeat(indent));
}
