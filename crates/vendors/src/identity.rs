//! Who an account really is: a fingerprint of person and organisation, so that duplicates are seen and no name is kept.

use remuda_core::{Identity, Vendor};
use sha2::{Digest, Sha256};

/// Fingerprint of a person in an organisation, as the vendor's ids name them. Equal ids give equal fingerprints.
#[must_use]
pub fn fingerprint(vendor: Vendor, person: &str, organisation: &str) -> Identity {
    let mut hash = Sha256::new();
    for part in [vendor.as_str(), person.trim(), organisation.trim()] {
        hash.update(part.to_ascii_lowercase());
        // a separator that no id contains keeps ("ab","c") and ("a","bc") apart
        hash.update([0]);
    }
    let hex: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Identity(format!("sha256:{hex}"))
}
