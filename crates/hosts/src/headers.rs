//! Extra request headers that a person gives to an agent: the ones that carry a credential are taken out, the others stay.

/// Headers with which the gateway authenticates its clients, or which it replaces by an account's credential.
const CREDENTIALS: [&str; 3] = ["authorization", "x-api-key", "x-remuda-key"];

/// Takes the credential headers out of a `Name: value` list, one a line. `None`: there are none.
///
/// The second part names what was taken out, without values.
pub(crate) fn without_credentials(list: &str) -> Option<(String, Vec<String>)> {
    let name = |line: &str| line.split_once(':').map_or("", |(name, _)| name).trim().to_ascii_lowercase();
    let (out, kept): (Vec<&str>, Vec<&str>) = list.lines().partition(|line| CREDENTIALS.contains(&name(line).as_str()));
    (!out.is_empty()).then(|| (kept.join("\n"), out.into_iter().map(name).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_credentials_is_left_alone() {
        assert_eq!(without_credentials("X-Team: blue\nX-Cost-Centre: 7"), None);
        assert_eq!(without_credentials(""), None);
    }

    #[test]
    fn credentials_go_and_the_rest_stays_in_order() {
        let list = "X-Team: blue\n x-API-key : sk-secret\nX-Last: a: b\nAuthorization: Bearer t";
        let (kept, out) = without_credentials(list).unwrap();
        assert_eq!(kept, "X-Team: blue\nX-Last: a: b");
        assert_eq!(out, ["x-api-key", "authorization"]);
    }
}
