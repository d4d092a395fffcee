//! A27: the parts of competency codes, the unusual ones too; run over the listed codes where they are at hand.

use dep::competency_code::CodeParts;
use tests::data;

fn parts(code: &str) -> [Option<&str>; 5] {
    let parts = CodeParts::of(code);
    [Some(parts.subject), parts.course, parts.domain, parts.standard, parts.micro]
}

#[test]
fn a27_codes_of_four_three_and_five_parts() {
    let four = "K12.MA-MAK-CC-A.01";
    assert_eq!(parts(four), [Some("K12.MA"), Some("K12.MA-MAK"), Some("K12.MA-MAK-CC"), Some(four), None]);
    let three = "K12.WL-Comp-001";
    assert_eq!(parts(three), [Some("K12.WL"), Some("K12.WL-Comp"), Some(three), None, None]);
    let five = "LabX-01-CRS-Comp-001";
    let standard = Some("LabX-01-CRS-Comp");
    assert_eq!(parts(five), [Some("LabX"), Some("LabX-01"), Some("LabX-01-CRS"), standard, Some(five)]);
}

#[test]
fn a27_all_listed_codes() {
    let Some(file) = data::file("gooru/competency-codes.csv") else { return data::skipped("a27_all_listed_codes") };
    let text = String::from_utf8(file).unwrap();
    let codes: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').nth(3)).collect();
    let with = |wanted: usize| codes.iter().filter(|c| parts(c).iter().flatten().count() == wanted).count();
    assert_eq!((codes.len(), with(4), with(3), with(5)), (3_435, 3_433, 1, 1));
}
