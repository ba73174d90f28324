//! A gateway on this machine is never reached through a proxy: the client key would leave the machine.

/// The host of an `http://host[:port][/path]` address, without the brackets of IPv6.
fn host(base_url: &str) -> &str {
    let authority = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The exceptions from proxying: all that were there (`NO_PROXY` and `no_proxy` may differ, and agents disagree about which
/// one counts) and the gateway. `None`: the gateway is on another machine, so that its proxy is the person's business.
pub(crate) fn exceptions(base_url: &str, upper: Option<&str>, lower: Option<&str>) -> Option<String> {
    let gateway = host(base_url);
    if !is_loopback(gateway) {
        return None;
    }
    let mut entries: Vec<&str> = Vec::new();
    let inherited = upper.into_iter().chain(lower).flat_map(|list| list.split(','));
    for entry in inherited.chain([gateway]).map(str::trim).filter(|entry| !entry.is_empty()) {
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    Some(entries.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::nothing_set("http://127.0.0.1:4747", None, None, Some("127.0.0.1"))]
    #[case::both_lists_are_kept(
        "http://127.0.0.1:4747",
        Some("a.corp, b.corp"),
        Some("b.corp,c.corp"),
        Some("a.corp,b.corp,c.corp,127.0.0.1")
    )]
    #[case::already_there("http://127.0.0.1:4747/anthropic", Some("127.0.0.1"), None, Some("127.0.0.1"))]
    #[case::by_name("http://localhost:1", None, Some("x"), Some("x,localhost"))]
    #[case::ipv6("http://[::1]:4747/anthropic", None, None, Some("::1"))]
    #[case::another_machine("https://gateway.corp", Some("x"), None, None)]
    #[case::a_name_that_only_begins_like_loopback("http://127.0.0.1.evil.example", None, None, None)]
    fn no_proxy_is(
        #[case] url: &str,
        #[case] upper: Option<&str>,
        #[case] lower: Option<&str>,
        #[case] out: Option<&str>,
    ) {
        assert_eq!(exceptions(url, upper, lower).as_deref(), out);
    }
}
