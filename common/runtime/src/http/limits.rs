//! What a request may cost: reading and decompressing a body within bounds of bytes, ratio and time.
//!
//! Place: before anything looks at the body. The only file that names decompressors (delivery.md §11). Knows no
//! events: their limits are passed on to the intake.

use std::borrow::Cow;
use std::future::poll_fn;
use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT};
use da_model::names::Metric;
use tokio::time::timeout;

use super::{Problem, RequestCode};
use crate::telemetry::metrics;

/// Bounds on bodies and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes as sent.
    pub body_bytes: usize,
    /// Bytes after decompression.
    pub decompressed_bytes: usize,
    /// Decompressed bytes per byte sent.
    pub ratio: usize,
    /// Longest wait for the next piece of a body.
    pub idle: Duration,
    /// Longest time for the whole body.
    pub total: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            body_bytes: 5 * 1024 * 1024,
            decompressed_bytes: 20 * 1024 * 1024,
            ratio: 100,
            idle: Duration::from_secs(5),
            total: Duration::from_secs(30),
        }
    }
}

/// The one encoding layer of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// Largest zstd window: 2^23 bytes, what RFC 8878 asks every decoder to support.
const ZSTD_WINDOW_LOG: u32 = 23;
/// Piece in which decompressed bytes are taken and counted.
const PIECE: usize = 64 * 1024;
/// How much of a refused body is read and thrown away, so that the client sees the answer instead of a reset.
const DISCARD_BYTES: usize = 32 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(2);
/// A client that sends nothing for this long is waiting for the answer.
const DISCARD_IDLE: Duration = Duration::from_millis(200);

impl Encoding {
    /// From the header `Content-Encoding`.
    ///
    /// # Errors
    /// `bad_media_type` for an encoding that is not ours, or more than one.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut sent = headers.get_all(CONTENT_ENCODING).iter();
        let (first, more) = (sent.next(), sent.next());
        let text = first.map_or("identity", |v| v.to_str().unwrap_or("unreadable")).trim();
        if more.is_some() || text.contains(',') {
            return Err(Problem::new(RequestCode::BadMediaType, "one layer of content encoding is accepted"));
        }
        if text.eq_ignore_ascii_case("identity") {
            Ok(Self::Identity)
        } else if text.eq_ignore_ascii_case("gzip") || text.eq_ignore_ascii_case("x-gzip") {
            Ok(Self::Gzip)
        } else if text.eq_ignore_ascii_case("zstd") {
            Ok(Self::Zstd)
        } else {
            Err(Problem::new(RequestCode::BadMediaType, "content encoding is not one of identity, gzip, zstd"))
        }
    }
}

/// The bytes that all bodies in flight may hold together.
#[derive(Debug, Clone)]
pub struct Budget {
    used: Arc<AtomicUsize>,
    cap: usize,
}

impl Budget {
    /// A budget of `cap` bytes.
    #[must_use]
    pub fn new(cap: usize) -> Self {
        Self { used: Arc::default(), cap }
    }

    /// Bytes held now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Nothing held yet, for one request.
    #[must_use]
    pub fn hold(&self) -> Held {
        Held { budget: self.clone(), bytes: 0 }
    }
}

/// What one request holds of the budget; given back when dropped.
#[derive(Debug)]
pub struct Held {
    budget: Budget,
    bytes: usize,
}

impl Held {
    fn take(&mut self, bytes: usize) -> Result<(), Problem> {
        let before = self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before.saturating_add(bytes) > self.budget.cap {
            return Err(Problem::passing(RequestCode::Unavailable, "too many bytes in flight", 1));
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let before = self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
        if self.bytes > 0 {
            metrics::gauge(Metric::IngestInflight, &[], as_number(before.saturating_sub(self.bytes)));
        }
    }
}

/// The length that the client announced, where it did.
#[must_use]
pub fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok())
}

/// Reads a body as sent, within bounds of bytes and time.
///
/// # Errors
/// `body_too_large`, `bad_body` for a body that broke off or stalled, `unavailable` when too much is in flight.
pub async fn read_body(body: &mut Body, limits: &BodyLimits, held: &mut Held) -> Result<Vec<u8>, Problem> {
    match timeout(limits.total, read_pieces(body, limits, held)).await {
        Ok(read) => read,
        Err(_) => Err(stalled("the whole body", limits.total)),
    }
}

async fn read_pieces(body: &mut Body, limits: &BodyLimits, held: &mut Held) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    loop {
        let piece = timeout(limits.idle, next_piece(body)).await.map_err(|_| stalled("the next piece", limits.idle))?;
        let Some(piece) = piece? else { return Ok(bytes) };
        if bytes.len() + piece.len() > limits.body_bytes {
            return Err(too_large(limits.body_bytes));
        }
        held.take(piece.len())?;
        bytes.extend_from_slice(&piece);
    }
}

/// Reads on and throws away, so that a client that is still sending sees the answer.
pub async fn discard(body: &mut Body, headers: &HeaderMap) {
    if headers.contains_key(EXPECT) {
        return; // the client waits for a go-ahead and has sent nothing yet
    }
    let reading = async {
        let mut seen = 0;
        while let Ok(Ok(Some(piece))) = timeout(DISCARD_IDLE, next_piece(body)).await {
            seen += piece.len();
            if seen > DISCARD_BYTES {
                break;
            }
        }
    };
    // Whether the client went on sending or not changes nothing: the answer is fixed.
    let _ = timeout(DISCARD_TIME, reading).await;
}

async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(Problem::new(RequestCode::BadBody, "the body broke off")),
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}

/// Takes off the one encoding layer, within bounds of bytes and ratio.
///
/// # Errors
/// `bad_encoding` for bytes that do not decompress, `body_too_large` over a bound.
pub fn decompress<'b>(
    sent: &'b [u8],
    encoding: Encoding,
    limits: &BodyLimits,
    held: &mut Held,
) -> Result<Cow<'b, [u8]>, Problem> {
    let bounds = Bounds { bytes: limits.decompressed_bytes, ratio: limits.ratio, sent: sent.len() };
    match encoding {
        Encoding::Identity => Ok(Cow::Borrowed(sent)),
        Encoding::Gzip => bounds.drain(flate2::read::MultiGzDecoder::new(sent), held).map(Cow::Owned),
        Encoding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(sent).map_err(undecodable)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(undecodable)?;
            bounds.drain(decoder, held).map(Cow::Owned)
        }
    }
}

struct Bounds {
    bytes: usize,
    ratio: usize,
    sent: usize,
}

impl Bounds {
    fn drain(&self, mut decoder: impl Read, held: &mut Held) -> Result<Vec<u8>, Problem> {
        let mut out = Vec::new();
        let mut piece = vec![0; PIECE];
        loop {
            let read = decoder.read(&mut piece).map_err(undecodable)?;
            if read == 0 {
                return Ok(out);
            }
            if out.len() + read > self.bytes {
                return Err(Problem::new(
                    RequestCode::BodyTooLarge,
                    format!("more than {} bytes after decompression", self.bytes),
                ));
            }
            if out.len() + read > self.sent.saturating_mul(self.ratio) {
                let detail = format!("decompresses to more than {} times its size", self.ratio);
                return Err(Problem::new(RequestCode::BodyTooLarge, detail));
            }
            held.take(read)?;
            out.extend_from_slice(piece.get(..read).unwrap_or_default());
        }
    }
}

fn undecodable(_: std::io::Error) -> Problem {
    Problem::new(RequestCode::BadEncoding, "the body does not decompress with its content encoding")
}

/// The refusal of a body that is too large as sent.
#[must_use]
pub fn too_large(limit: usize) -> Problem {
    Problem::new(RequestCode::BodyTooLarge, format!("more than {limit} bytes"))
}

fn stalled(what: &str, wait: Duration) -> Problem {
    Problem::new(RequestCode::BadBody, format!("{what} did not arrive within {} s", wait.as_secs()))
}

#[expect(clippy::cast_precision_loss, reason = "a gauge for people")]
const fn as_number(bytes: usize) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::http::HeaderValue;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn plain(sent: Vec<u8>, encoding: Encoding) -> Result<Vec<u8>, RequestCode> {
        let mut held = Budget::new(usize::MAX).hold();
        decompress(&sent, encoding, &BodyLimits::default(), &mut held).map(Cow::into_owned).map_err(|p| p.code)
    }

    #[test]
    fn both_encodings_give_the_bytes_back() {
        let text = br#"{"eventId":"e1","eventName":"collection.play"}"#;
        assert_eq!(plain(gzip(text), Encoding::Gzip).unwrap(), text);
        assert_eq!(plain(zstd::encode_all(&text[..], 3).unwrap(), Encoding::Zstd).unwrap(), text);
        assert_eq!(plain(text.to_vec(), Encoding::Identity).unwrap(), text);
    }

    #[test]
    fn bombs_are_refused_and_hold_little() {
        let zeros = vec![b' '; 300 * 1024 * 1024];
        for (sent, encoding) in
            [(gzip(&zeros), Encoding::Gzip), (zstd::encode_all(&zeros[..], 19).unwrap(), Encoding::Zstd)]
        {
            let mut held = Budget::new(usize::MAX).hold();
            let refused = decompress(&sent, encoding, &BodyLimits::default(), &mut held).unwrap_err();
            assert_eq!(refused.code, RequestCode::BodyTooLarge);
            assert!(held.bytes <= 20 * 1024 * 1024, "{encoding:?} held {}", held.bytes);
        }
    }

    #[test]
    fn a_window_over_the_cap_and_torn_bytes_are_bad_encoding() {
        let noise: Vec<u8> = (0..60_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(&noise).unwrap();
        assert_eq!(plain(encoder.finish().unwrap(), Encoding::Zstd), Err(RequestCode::BadEncoding));
        let whole = gzip(&noise);
        assert_eq!(plain(whole[..whole.len() - 9].to_vec(), Encoding::Gzip), Err(RequestCode::BadEncoding));
        assert_eq!(plain(b"[]".to_vec(), Encoding::Gzip), Err(RequestCode::BadEncoding));
        assert_eq!(plain(b"[]".to_vec(), Encoding::Zstd), Err(RequestCode::BadEncoding));
    }

    #[test]
    fn one_layer_is_accepted() {
        let of = |text: &'static str| {
            let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(text))]);
            Encoding::of(&headers).map_err(|p| p.code)
        };
        assert_eq!(Encoding::of(&HeaderMap::new()), Ok(Encoding::Identity));
        assert_eq!(of("gzip"), Ok(Encoding::Gzip));
        assert_eq!(of("zstd"), Ok(Encoding::Zstd));
        for other in ["br", "gzip, gzip", "deflate"] {
            assert_eq!(of(other), Err(RequestCode::BadMediaType), "{other}");
        }
    }

    #[tokio::test]
    async fn a_body_over_the_limit_or_the_budget_is_refused() {
        let limits = BodyLimits { body_bytes: 10, ..BodyLimits::default() };
        let budget = Budget::new(5);
        let mut held = budget.hold();
        let long = read_body(&mut Body::from("01234567890"), &limits, &mut held).await.unwrap_err();
        assert_eq!(long.code, RequestCode::BodyTooLarge);
        let full = read_body(&mut Body::from("0123456789"), &limits, &mut held).await.unwrap_err();
        assert_eq!(full.code, RequestCode::Unavailable);
        drop(held);
        assert_eq!(budget.used(), 0);
        assert_eq!(read_body(&mut Body::from("01234"), &limits, &mut budget.hold()).await.unwrap(), b"01234");
    }
}
