//! Products of Microsoft, and the Power BI plan that each contains.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::tsv::{TsvError, parse_table, wrong_cell_count};

/// The use of Power BI that a license permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LicenseLevel {
    /// The product is not in the catalog.
    Unknown,
    /// Nothing: the product has no plan of Power BI, or it is switched off.
    None,
    /// Capacity, which belongs to no person.
    Capacity,
    /// Free.
    Free,
    /// Pro.
    Pro,
    /// Premium Per User, which includes Pro.
    Ppu,
}

impl LicenseLevel {
    const ALL: [LicenseLevel; 6] = [
        LicenseLevel::Unknown,
        LicenseLevel::None,
        LicenseLevel::Capacity,
        LicenseLevel::Free,
        LicenseLevel::Pro,
        LicenseLevel::Ppu,
    ];

    /// Returns the name in views.
    pub fn name(self) -> &'static str {
        match self {
            LicenseLevel::Unknown => "unknown",
            LicenseLevel::None => "none",
            LicenseLevel::Capacity => "capacity",
            LicenseLevel::Free => "free",
            LicenseLevel::Pro => "pro",
            LicenseLevel::Ppu => "ppu",
        }
    }
}

/// The service plans of Power BI for persons.
const PLANS: [(&str, LicenseLevel); 5] = [
    ("2049e525-b859-401b-b2a0-e0a31c4b1fe4", LicenseLevel::Free),
    ("70d33638-9c74-4d01-bfd3-562de28bd4ba", LicenseLevel::Pro),
    ("944e9726-f011-4353-b654-5f7d2663db76", LicenseLevel::Pro),
    ("0bf3c642-7bb5-4ccc-884e-59d09df0266c", LicenseLevel::Ppu),
    ("32d15238-9a8c-46da-af3f-21fc5351d365", LicenseLevel::Ppu),
];

/// Returns the level of a service plan; `None` if it is not one of Power BI for persons.
pub fn plan_level(plan_id: &str) -> Option<LicenseLevel> {
    PLANS.iter().find(|(id, _)| id.eq_ignore_ascii_case(plan_id)).map(|(_, level)| *level)
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenseProduct {
    /// The ID, in lower case.
    pub sku_id: &'static str,
    /// The part number, for example `POWER_BI_PRO`.
    pub part_number: &'static str,
    /// The name, for example `Power BI Pro`.
    pub product: &'static str,
    /// The level with all plans switched on.
    pub level: LicenseLevel,
    /// The plans of Power BI in it.
    pub plans: Vec<&'static str>,
    /// True if the plan is part of a product that is bought for other reasons.
    pub is_bundle: bool,
}

impl LicenseProduct {
    /// Returns the level that is left if `is_off` returns true for the plans that are switched off.
    pub fn level_without(&self, is_off: impl Fn(&str) -> bool) -> LicenseLevel {
        if self.plans.is_empty() || self.level == LicenseLevel::Capacity {
            return self.level;
        }
        let on = self.plans.iter().filter(|plan| !is_off(plan)).filter_map(|plan| plan_level(plan));
        on.max().unwrap_or(LicenseLevel::None)
    }
}

static PRODUCTS: LazyLock<Vec<LicenseProduct>> =
    LazyLock::new(|| parse_products().filter_map(Result::ok).collect());

/// The products by ID, by part number and by name. Names are normalized.
static BY_NAME: LazyLock<HashMap<String, &'static LicenseProduct>> = LazyLock::new(|| {
    let mut by_name = HashMap::new();
    for product in PRODUCTS.iter() {
        for name in [product.sku_id, product.part_number, product.product] {
            by_name.entry(normal_name(name)).or_insert(product);
        }
    }
    // Names that Microsoft has changed.
    if let Some(free) = by_name.get("power_bi_standard").copied() {
        by_name.insert("power bi (free)".to_owned(), free);
    }
    by_name
});

fn parse_products() -> impl Iterator<Item = Result<LicenseProduct, TsvError>> {
    parse_table(include_str!("license_products.tsv"), parse_product)
}

fn parse_product(cells: &[&'static str]) -> Result<LicenseProduct, String> {
    let [sku_id, part_number, product, level, plans, kind] = *cells else {
        return Err(wrong_cell_count(cells, 6));
    };
    let level = LicenseLevel::ALL.into_iter().find(|known| known.name() == level);
    let level = level.ok_or_else(|| format!("{product}: the level is unknown"))?;
    let plans = plans.split(' ').filter(|plan| *plan != "-").collect();
    Ok(LicenseProduct { sku_id, part_number, product, level, plans, is_bundle: kind == "bundle" })
}

/// Returns a name as it is compared: lower case, with single blanks.
fn normal_name(name: &str) -> String {
    name.replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Returns the product with an ID, part number or name.
pub fn license_product(name: &str) -> Option<&'static LicenseProduct> {
    BY_NAME.get(&normal_name(name)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_can_be_parsed_and_has_the_level_of_its_plans() {
        let all: Vec<LicenseProduct> = parse_products().map(|row| row.unwrap()).collect();
        assert!(all.len() > 500);
        for product in all.iter().filter(|product| product.level != LicenseLevel::Capacity) {
            let expected =
                if product.plans.is_empty() { LicenseLevel::None } else { product.level };
            assert_eq!(product.level_without(|_| false), expected, "{product:?}");
        }
    }

    #[test]
    fn products_are_found_by_id_part_number_and_name() {
        for (name, level, is_bundle) in [
            ("F8A1DB68-BE16-40ED-86D5-CB42CE701560", LicenseLevel::Pro, false),
            ("SPE_E5", LicenseLevel::Pro, true),
            ("MICROSOFT\u{a0}365  E5", LicenseLevel::Pro, true),
            ("Power BI (free)", LicenseLevel::Free, false),
            ("Power BI Premium Per User", LicenseLevel::Ppu, false),
            ("ENTERPRISEPACK", LicenseLevel::None, false),
        ] {
            let product = license_product(name).unwrap();
            assert_eq!((product.level, product.is_bundle), (level, is_bundle), "{name}");
        }
        assert_eq!(license_product("Microsoft 365 E7"), None);
    }

    #[test]
    fn plans_that_are_switched_off_lower_the_level() {
        let ppu = license_product("PBI_PREMIUM_PER_USER").unwrap();
        let off = |plan: &str| plan_level(plan) == Some(LicenseLevel::Ppu);
        assert_eq!(ppu.level_without(off), LicenseLevel::Pro);
        assert_eq!(ppu.level_without(|_| true), LicenseLevel::None);
    }
}
