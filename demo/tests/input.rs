//! Files of the user's own: what is understood, and what is said about the rest.

use std::io::Write;

use demo::input::{self, Plan};
use demo::{Action, Event};
use tempfile::NamedTempFile;

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn plan(text: &str, map: Option<&str>) -> Plan {
    input::inspect(file(text.as_bytes()).path(), map).unwrap()
}

fn events(text: &str, map: Option<&str>) -> Vec<Event> {
    let file = file(text.as_bytes());
    let plan = input::inspect(file.path(), map).unwrap();
    let events: Vec<Event> = plan.replay().unwrap().map(Result::unwrap).collect();
    assert_eq!(events.len() as u64, plan.summary.purchases);
    events
}

fn error(text: &str, map: Option<&str>) -> String {
    input::inspect(file(text.as_bytes()).path(), map).unwrap_err().to_string()
}

fn basket(event: &Event) -> (Vec<(&str, f64)>, f64) {
    let Action::Transaction { items, amount } = &event.action else { panic!("{event:?}") };
    (items.iter().map(|item| (item.product.as_str(), item.quantity)).collect(), *amount)
}

const RETAIL: &str = "\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,\"HOLDER, WHITE\",6,12/1/2010 8:26,2.55,17850.0,United Kingdom
536365,71053,METAL LANTERN,6,12/1/2010 8:26,3.39,17850.0,United Kingdom
C536379,D,Discount,-1,12/1/2010 9:41,27.50,14527.0,United Kingdom
536367,84879,BIRD ORNAMENT,32,12/1/2010 8:34,1.69,,France
536367,84880,,1,12/1/2010 8:34,0.0,,France
536370,84881,CLOCK,1,12/13/2010 8:45,10,12583,France
";

#[test]
fn the_online_retail_data_is_recognised_as_it_is() {
    let events = events(RETAIL, None);
    assert_eq!(events.len(), 3);
    assert_eq!(basket(&events[0]), (vec![("HOLDER, WHITE", 6.0), ("METAL LANTERN", 6.0)], 35.64));
    assert_eq!(events[0].customer, "17850");
    assert_eq!(events[0].time_ms, 1_291_191_960_000);
    assert_eq!(events[0].country.as_deref(), Some("United Kingdom"));
    assert_eq!(events[1].customer, "guest-536367");

    let summary = plan(RETAIL, None).summary;
    assert_eq!((summary.rows, summary.purchases, summary.returns), (4, 3, 1));
    assert_eq!((summary.without_product, summary.guests), (1, 1));
}

#[test]
fn a_column_of_unit_prices_mapped_to_the_amount_stays_a_unit_price() {
    let map = "customer=CustomerID,time=InvoiceDate,product=Description,quantity=Quantity,\
               amount=UnitPrice";
    assert_eq!(basket(&events(RETAIL, Some(map))[0]).1, 35.64);
}

#[test]
fn columns_of_any_name_can_be_mapped_and_order_is_not_needed() {
    let text = "quem;quando;oque;quanto;total\n\
                ana;2024-05-01 10:00:00;caneca;2;19,80\n\
                ana;2024-05-01 10:00:00;prato;1;30,00\n\
                rui;2024-05-01 10:00:00;prato;1;1.030,50\n";
    let map = "customer=quem,time=quando,product=oque,quantity=quanto,amount=total";
    let events = events(text, Some(map));
    assert_eq!(basket(&events[0]), (vec![("caneca", 2.0), ("prato", 1.0)], 49.8));
    assert_eq!(basket(&events[1]), (vec![("prato", 1.0)], 1030.5));
}

#[test]
fn ndjson_is_read_by_its_keys() {
    let text = r#"{"user_id": 7, "timestamp": 1714557600, "product": "mug", "amount": 9.5}

{"product": "mug", "user_id": 8, "amount": "3", "timestamp": 1714557601, "qty": 3, "note": null}
"#;
    let events = events(text, None);
    assert_eq!(events[0].customer, "7");
    assert_eq!(events[1].time_ms, 1_714_557_601_000);
    assert!(!plan(text, None).summary.days_only);
    // `qty` is not in the first object, so it is no column of the file.
    assert_eq!(basket(&events[1]), (vec![("mug", 1.0)], 3.0));
}

#[test]
fn a_mistake_is_named_with_its_line_and_column() {
    let head = "customer,time,product,quantity,amount\nana,2024-05-01,mug,1,5\n";
    for (row, expected) in [
        ("rui,2024-05-02,mug,two,5\n", ["line 3", "'two'", "quantity"]),
        ("rui,2024-05-02,mug,1,free\n", ["line 3", "'free'", "amount"]),
        ("rui,tomorrow,mug,1,5\n", ["line 3", "'tomorrow'", "time"]),
        ("rui,,mug,1,5\n", ["line 3", "no time", "time"]),
        ("rui,2024-05-02,mug\n", ["line 3", "3 cells", "5"]),
    ] {
        let error = error(&format!("{head}{row}"), None);
        assert!(expected.iter().all(|part| error.contains(part)), "{error}");
    }
    let broken =
        "{\"customer\":\"a\",\"time\":\"2024-05-01\",\"product\":\"x\",\"amount\":1}\n{oops\n";
    assert!(error(broken, None).contains("line 2: not a JSON object"));
}

#[test]
fn missing_columns_and_files_are_named_with_the_remedy() {
    let missing = error("a,b\n1,2\n", None);
    assert!(missing.contains("--map customer=COLUMN") && missing.contains("a, b"), "{missing}");
    let unknown = error("customer,time,product,amount\na,2024-05-01,x,1\n", Some("time=when"));
    assert!(unknown.contains("no such column"), "{unknown}");
    let gone = input::inspect("no/such/file.csv".as_ref(), None).unwrap_err().to_string();
    assert!(gone.contains("no/such/file.csv"), "{gone}");
}

#[test]
fn files_without_purchases_are_refused() {
    assert!(error("", None).contains("empty"));
    assert!(error("customer,time,product,amount\n", None).contains("no row"));
    assert!(error("customer,time,product,amount\na,2024-05-01,x,-1\n", None).contains("returns"));
}

#[test]
fn older_encodings_and_byte_order_marks_are_read() {
    let mut bytes = b"\xef\xbb\xbfcustomer,time,product,amount\na,2024-05-01,caf".to_vec();
    bytes.extend_from_slice(b"\xe9,2\n");
    let file = file(&bytes);
    let events: Vec<Event> =
        input::inspect(file.path(), None).unwrap().replay().unwrap().map(Result::unwrap).collect();
    assert_eq!(basket(&events[0]).0, [("café", 1.0)]);
    assert!(input::inspect(file.path(), None).unwrap().summary.days_only);
}
