//! Which column means what: as the user says, or recognised by common names.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::InputError;
use super::rows::{Cells, Row};

/// What a column can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Who bought.
    Customer,
    /// When.
    Time,
    /// What.
    Product,
    /// How many; 1 where there is no such column.
    Quantity,
    /// What the row cost in all.
    Amount,
    /// What one cost; makes an amount unnecessary.
    Price,
    /// What the rows of one purchase have in common.
    Order,
    /// Where the customer was.
    Country,
}

impl Role {
    const ALL: [Role; 8] = [
        Role::Customer,
        Role::Time,
        Role::Product,
        Role::Quantity,
        Role::Amount,
        Role::Price,
        Role::Order,
        Role::Country,
    ];

    fn word(self) -> &'static str {
        match self {
            Role::Customer => "customer",
            Role::Time => "time",
            Role::Product => "product",
            Role::Quantity => "quantity",
            Role::Amount => "amount",
            Role::Price => "price",
            Role::Order => "order",
            Role::Country => "country",
        }
    }

    /// Names under which the column is known, without case, spaces and underscores; the best first.
    fn common_names(self) -> &'static [&'static str] {
        match self {
            Role::Customer => &[
                "customer",
                "customerid",
                "custid",
                "client",
                "clientid",
                "user",
                "userid",
                "buyer",
                "memberid",
                "membernumber",
                "cliente",
                "idcliente",
                "clienteid",
            ],
            Role::Time => &[
                "time",
                "timestamp",
                "invoicedate",
                "orderdate",
                "datetime",
                "date",
                "purchasedate",
                "transactiondate",
                "orderpurchasetimestamp",
                "eventtime",
                "createdat",
                "data",
                "datahora",
                "timems",
            ],
            Role::Product => &[
                "product",
                "productname",
                "description",
                "itemdescription",
                "item",
                "itemname",
                "productid",
                "stockcode",
                "sku",
                "itemid",
                "produto",
                "idproduto",
            ],
            Role::Quantity => &["quantity", "qty", "units", "count", "quantidade", "qtd"],
            Role::Amount => &[
                "amount",
                "totalamount",
                "total",
                "totalprice",
                "linetotal",
                "sales",
                "revenue",
                "paymentvalue",
                "valor",
                "valortotal",
            ],
            Role::Price => &["price", "unitprice", "priceeach", "preco", "precounitario"],
            Role::Order => &[
                "order",
                "orderid",
                "ordernumber",
                "invoiceno",
                "invoice",
                "invoiceid",
                "transaction",
                "transactionid",
                "transactionno",
                "basketid",
                "receipt",
                "pedido",
            ],
            Role::Country => &["country", "pais"],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the user said about columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping(BTreeMap<Role, String>);

impl Mapping {
    /// Understands `customer=COL,time=COL,...`.
    pub fn parse(given: &str) -> Result<Mapping, InputError> {
        let wrong = |problem: String| InputError::Map { given: given.to_owned(), problem };
        let words = Role::ALL.map(Role::word).join(", ");
        let mut mapping = BTreeMap::new();
        for part in given.split(',').filter(|part| !part.trim().is_empty()) {
            let Some((word, column)) = part.split_once('=') else {
                return Err(wrong(format!("'{part}' is not of the form WORD=COLUMN")));
            };
            let (word, column) = (word.trim(), column.trim());
            let Some(role) = Role::ALL.into_iter().find(|role| role.word() == word) else {
                return Err(wrong(format!("'{word}' is none of: {words}")));
            };
            if column.is_empty() {
                return Err(wrong(format!("no column is named for the {role}")));
            }
            if mapping.insert(role, column.to_owned()).is_some() {
                return Err(wrong(format!("the {role} is given twice")));
            }
        }
        Ok(Mapping(mapping))
    }
}

/// The columns of a file.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    found: BTreeMap<Role, (usize, String)>,
}

impl Columns {
    /// Finds a column for every role that needs one.
    pub(super) fn find(
        path: &Path,
        names: Vec<String>,
        mapping: &Mapping,
    ) -> Result<Columns, InputError> {
        let missing =
            |role| InputError::NoColumn { path: path.to_owned(), role, found: names.join(", ") };
        let mut found = BTreeMap::new();
        for role in Role::ALL {
            let index = match mapping.0.get(&role) {
                Some(wanted) => {
                    let exact = names.iter().position(|name| name == wanted);
                    let loose = || names.iter().position(|name| normal(name) == normal(wanted));
                    let Some(index) = exact.or_else(loose) else {
                        let given = format!("{role}={wanted}");
                        let problem = format!(
                            "{} has no such column; it has: {}",
                            path.display(),
                            names.join(", ")
                        );
                        return Err(InputError::Map { given, problem });
                    };
                    Some(index)
                }
                None => role
                    .common_names()
                    .iter()
                    .find_map(|known| names.iter().position(|name| normal(name) == *known)),
            };
            if let Some(index) = index {
                found.insert(role, (index, names[index].clone()));
            }
        }
        // People who map a column of unit prices to the amount mean what the column says.
        if let Some((_, name)) = found.get(&Role::Amount)
            && Role::Price.common_names().contains(&normal(name).as_str())
            && let Some(column) = found.remove(&Role::Amount)
        {
            found.insert(Role::Price, column);
        }
        for role in [Role::Customer, Role::Time, Role::Product] {
            if !found.contains_key(&role) {
                return Err(missing(role));
            }
        }
        if !found.contains_key(&Role::Amount) && !found.contains_key(&Role::Price) {
            return Err(missing(Role::Amount));
        }
        Ok(Columns { found })
    }

    /// The name of a column that was found.
    pub(super) fn name(&self, role: Role) -> &str {
        self.found.get(&role).map_or("", |(_, name)| name)
    }

    /// The text of a cell; None if there is no such column or nothing in the cell.
    pub(super) fn text(&self, row: &Row, role: Role) -> Option<String> {
        let (index, name) = self.found.get(&role)?;
        let cell = match &row.cells {
            Cells::ByIndex(cells) => cells.get(*index),
            Cells::ByName(cells) => cells.get(name),
        };
        // Spreadsheets that were made through floating point write customers as 17850.0.
        let cell = cell?.as_str();
        let whole = cell.strip_suffix(".0").filter(|text| {
            matches!(role, Role::Customer | Role::Order)
                && text.bytes().all(|byte| byte.is_ascii_digit())
        });
        Some(whole.unwrap_or(cell).to_owned()).filter(|text| !text.is_empty())
    }

    /// The number in a cell; an error says which column and what stands there.
    pub(super) fn number(&self, row: &Row, role: Role) -> Result<Option<f64>, String> {
        let Some(text) = self.text(row, role) else { return Ok(None) };
        match number(&text) {
            Some(number) => Ok(Some(number)),
            None => Err(format!(
                "the {role} '{text}' in the column {} is no number; correct or remove the row",
                self.name(role)
            )),
        }
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (role, (_, name))) in self.found.iter().enumerate() {
            write!(f, "{}{role}={name}", if place == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// A column's name without case, spaces, underscores and the like.
fn normal(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A number as people write it: `1234.5`, `1,234.50`, `1.234,50`, `2,55`, `R$ 10`.
fn number(text: &str) -> Option<f64> {
    let text: String = text
        .chars()
        .skip_while(|c| !c.is_ascii_digit() && !matches!(c, '-' | '+' | '.' | ','))
        .filter(|c| !c.is_whitespace())
        .collect();
    let text = match (text.rfind('.'), text.rfind(',')) {
        (Some(point), Some(comma)) if comma > point => text.replace('.', "").replace(',', "."),
        (Some(_), Some(_)) => text.replace(',', ""),
        // A lone comma before exactly three digits separates thousands, any other is decimal.
        (None, Some(comma)) if text.len() - comma == 4 || text.matches(',').count() > 1 => {
            text.replace(',', "")
        }
        (None, Some(_)) => text.replace(',', "."),
        _ => text,
    };
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, expected) in [
            ("12", 12.0),
            ("-3", -3.0),
            ("2.55", 2.55),
            ("2,55", 2.55),
            ("1,234.50", 1234.5),
            ("1.234,50", 1234.5),
            ("1,234", 1234.0),
            ("R$ 10,90", 10.9),
            ("1e3", 1000.0),
        ] {
            assert_eq!(number(text), Some(expected), "{text}");
        }
        for text in ["", "abc", "1.2.3", "--1", "inf", "12 pieces"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn a_malformed_map_says_what_is_wrong() {
        for (given, expected) in [
            ("customer", "WORD=COLUMN"),
            ("costumer=a", "none of: customer"),
            ("time=", "no column"),
            ("time=a,time=b", "twice"),
        ] {
            let error = Mapping::parse(given).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
