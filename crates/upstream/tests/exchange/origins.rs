//! Base URLs as people write them.

use remuda_upstream::{Origin, OriginError};
use rstest::rstest;

#[rstest]
#[case("https://api.anthropic.com", "https://api.anthropic.com", 443, "")]
#[case("https://api.anthropic.com/", "https://api.anthropic.com", 443, "")]
#[case("HTTPS://API.Anthropic.com:443", "https://api.anthropic.com", 443, "")]
#[case("https://example.com:8443/anthropic/", "https://example.com:8443", 8443, "/anthropic")]
#[case("http://127.0.0.1:4000/a/b", "http://127.0.0.1:4000", 4000, "/a/b")]
#[case("http://localhost", "http://localhost", 80, "")]
#[case("http://[::1]:9000", "http://[::1]:9000", 9000, "")]
#[case("https://[2001:DB8::1]/x", "https://[2001:db8::1]", 443, "/x")]
#[case("https://a.example/dots.are/..fine../here", "https://a.example", 443, "/dots.are/..fine../here")]
fn a_base_url_is_an_origin_and_a_prefix(
    #[case] url: &str,
    #[case] shown: &str,
    #[case] port: u16,
    #[case] prefix: &str,
) {
    let (origin, path) = Origin::from_base(url).unwrap();
    assert_eq!(origin.to_string(), shown);
    assert_eq!(origin.port(), port);
    assert_eq!(origin.is_https(), shown.starts_with("https"));
    assert_eq!(path, prefix);
    assert_eq!(shown.parse::<Origin>().unwrap(), origin);
}

#[rstest]
#[case("", OriginError::NotAUrl)]
#[case("api.anthropic.com", OriginError::NotAUrl)]
#[case("/v1", OriginError::NotAUrl)]
#[case("https://", OriginError::NotAUrl)]
#[case("https://:443", OriginError::NotAUrl)]
#[case("https://a.example:99999", OriginError::NotAUrl)]
#[case("https://a b", OriginError::NotAUrl)]
#[case("ftp://a.example", OriginError::Scheme)]
#[case("https://user:secret@a.example", OriginError::Credentials)]
#[case("https://a.example?key=secret", OriginError::Query)]
#[case("https://a.example/#x", OriginError::Query)]
#[case("https://a.example/v1/../admin", OriginError::DotSegment)]
#[case("https://a.example/v1/%2E%2e/admin", OriginError::DotSegment)]
#[case("https://a.example/.", OriginError::DotSegment)]
fn what_is_no_base_url_is_refused_without_repeating_it(#[case] url: &str, #[case] why: OriginError) {
    let error = Origin::from_base(url).unwrap_err();
    assert_eq!(error, why);
    assert!(!error.to_string().contains("secret"));
}

#[test]
fn an_origin_has_no_path() {
    assert_eq!("https://a.example/anthropic".parse::<Origin>().unwrap_err(), OriginError::Path);
}

#[test]
fn scheme_and_port_tell_origins_apart() {
    let origin = |text: &str| text.parse::<Origin>().unwrap();
    assert_ne!(origin("http://a.example:443"), origin("https://a.example"));
    assert_ne!(origin("http://a.example:81"), origin("http://a.example:82"));
    assert_eq!(origin("http://a.example:80"), origin("http://A.example"));
}
