//! A user's own file as the source of purchases: CSV or NDJSON, columns named or recognised.
//!
//! Rows of one order become one purchase. Only what the file has is replayed: a file of sales gives
//! purchases, and no clicks or carts are made up. The file is read twice: once in full before
//! anything starts, so that a mistake in its last line is reported first, and once for the replay.

mod columns;
mod rows;
mod times;

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::event::{Action, Event, Item};

pub use columns::{Mapping, Role};

use columns::Columns;
use rows::{Format, Row, Rows};
use times::TimeFormats;

/// Lines of one order at most; a longer one is cut into several purchases.
const ITEMS_MAX: usize = 1000;

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file cannot be opened or read: check its name and rights.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The `--map` option is malformed: write it as the message says.
    #[error("--map {given}: {problem}")]
    Map {
        /// What was given.
        given: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// A column is missing: name it with `--map`.
    #[error(
        "{path}: no column for the {role}; the file has: {found}. Name it with --map {role}=COLUMN"
    )]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// What is missing.
        role: Role,
        /// The columns that are there.
        found: String,
    },
    /// A row is malformed: correct or remove it.
    #[error("{path}, line {line}: {problem}")]
    Row {
        /// The file.
        path: PathBuf,
        /// Counted from 1, the header included.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// There is nothing in the file to replay.
    #[error("{path} has no purchases: {why}")]
    Empty {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

/// A file that was read in full and can be replayed.
#[derive(Debug, Clone)]
pub struct Plan {
    path: PathBuf,
    format: Format,
    columns: Columns,
    times: TimeFormats,
    /// What was found, and what was decided about it.
    pub summary: Summary,
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows with a sale.
    pub rows: u64,
    /// Purchases that they make.
    pub purchases: u64,
    /// Rows that take something back (quantity or amount not above zero), which are left out.
    pub returns: u64,
    /// Rows without a product, which are left out.
    pub without_product: u64,
    /// Rows without a customer, who become one guest for each order.
    pub guests: u64,
    /// Which column is what.
    pub columns: String,
    /// Times have no hours.
    pub days_only: bool,
    /// How times are read, when more than one way fits.
    pub time_remark: Option<String>,
}

/// Reads a file in full and finds out how to replay it.
pub fn inspect(path: &Path, map: Option<&str>) -> Result<Plan, InputError> {
    let mapping = map.map(Mapping::parse).transpose()?.unwrap_or_default();
    let format = Format::detect(path)?;
    let mut rows = Rows::open(path, &format)?;
    let columns = Columns::find(path, rows.names()?, &mapping)?;
    let mut plan = Plan {
        path: path.to_owned(),
        format,
        columns,
        times: TimeFormats::all(),
        summary: Summary::default(),
    };
    let mut summary = Summary { columns: plan.columns.to_string(), ..Summary::default() };
    let mut last_order: Option<Order> = None;
    let mut items = 0;
    while let Some(row) = rows.next_row()? {
        let Some(sale) = plan.sale(&row, &mut summary)? else { continue };
        summary.rows += 1;
        items += 1;
        if last_order.as_ref() != Some(&sale.order) || items > ITEMS_MAX {
            summary.purchases += 1;
            items = 1;
            last_order = Some(sale.order);
        }
        plan.times
            .keep_fitting(&sale.time)
            .map_err(|problem| row_error(path, row.line, problem))?;
    }
    if summary.purchases == 0 {
        let left_out = summary.returns + summary.without_product;
        let why = if left_out > 0 {
            format!("all {left_out} rows are returns or have no product")
        } else {
            "there is no row below the header".to_owned()
        };
        return Err(InputError::Empty { path: path.to_owned(), why });
    }
    summary.time_remark = plan.times.remark();
    summary.days_only = plan.times.are_days_only();
    plan.summary = summary;
    Ok(plan)
}

fn row_error(path: &Path, line: u64, problem: String) -> InputError {
    InputError::Row { path: path.to_owned(), line, problem }
}

/// What makes rows belong together: the order, or else the customer and the time.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Order {
    Named(String),
    At { customer: String, time: String },
}

/// One row that sells something.
struct Sale {
    order: Order,
    customer: String,
    time: String,
    country: Option<String>,
    item: Item,
}

impl Plan {
    /// Starts the replay.
    pub fn replay(&self) -> Result<Replay, InputError> {
        let mut rows = Rows::open(&self.path, &self.format)?;
        rows.names()?;
        Ok(Replay { plan: self.clone(), rows, pending: None })
    }

    /// Understands a row; None if there is nothing to sell in it.
    fn sale(&self, row: &Row, summary: &mut Summary) -> Result<Option<Sale>, InputError> {
        let columns = &self.columns;
        let bad = |problem| row_error(&self.path, row.line, problem);
        let text = |role| columns.text(row, role);
        let number = |role| columns.number(row, role).map_err(bad);

        let Some(product) = text(Role::Product) else {
            summary.without_product += 1;
            return Ok(None);
        };
        let quantity = number(Role::Quantity)?.unwrap_or(1.0);
        let (price, amount) = (number(Role::Price)?, number(Role::Amount)?);
        let amount = match (amount, price) {
            (Some(amount), _) => amount,
            (None, Some(price)) => price * quantity,
            (None, None) => return Err(bad("there is neither an amount nor a price".to_owned())),
        };
        if quantity <= 0.0 || amount <= 0.0 {
            summary.returns += 1;
            return Ok(None);
        }
        let Some(time) = text(Role::Time) else {
            return Err(bad(format!(
                "there is no time in the column {}",
                columns.name(Role::Time)
            )));
        };
        let order = text(Role::Order);
        let customer = text(Role::Customer).unwrap_or_else(|| {
            summary.guests += 1;
            format!("guest-{}", order.as_deref().unwrap_or(&time))
        });
        let order = match order {
            Some(order) => Order::Named(order),
            None => Order::At { customer: customer.clone(), time: time.clone() },
        };
        let item = Item { product, quantity, price: amount / quantity };
        Ok(Some(Sale { order, customer, time, country: text(Role::Country), item }))
    }
}

/// The purchases of a file, in its order.
pub struct Replay {
    plan: Plan,
    rows: Rows<File>,
    pending: Option<Sale>,
}

impl Replay {
    fn next_sale(&mut self) -> Result<Option<Sale>, InputError> {
        if let Some(sale) = self.pending.take() {
            return Ok(Some(sale));
        }
        let mut summary = Summary::default();
        while let Some(row) = self.rows.next_row()? {
            if let Some(sale) = self.plan.sale(&row, &mut summary)? {
                return Ok(Some(sale));
            }
        }
        Ok(None)
    }

    fn purchase(&mut self) -> Result<Option<Event>, InputError> {
        let Some(first) = self.next_sale()? else { return Ok(None) };
        let time_ms = self
            .plan
            .times
            .parse(&first.time)
            .map_err(|problem| row_error(&self.plan.path, self.rows.line(), problem))?;
        let mut items = vec![first.item];
        while let Some(sale) = self.next_sale()? {
            if sale.order != first.order || items.len() >= ITEMS_MAX {
                self.pending = Some(sale);
                break;
            }
            items.push(sale.item);
        }
        let sum: f64 = items.iter().map(|item| item.quantity * item.price).sum();
        Ok(Some(Event {
            time_ms,
            customer: first.customer,
            session: None,
            country: first.country,
            device: None,
            action: Action::Transaction { items, amount: crate::analytics::cents(sum) },
        }))
    }
}

impl Iterator for Replay {
    type Item = Result<Event, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.purchase().transpose()
    }
}
