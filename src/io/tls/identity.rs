//! Who a listener is to TLS: a certificate and its key, from files of the operator or made here.
//!
//! Always: the key file that we write is readable by its owner alone, and the certificate names nobody.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
#[cfg(feature = "web")]
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::fingerprint;

const CERTIFICATE_FILE: &str = "certificate.pem";
const KEY_FILE: &str = "key.pem";
/// The name inside certificates made here; dialers pin the hash or trust session keys, and never look at it.
const CERTIFICATE_NAME: &str = "cahoots.invalid";

/// A certificate chain and its private key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Why there is no identity. Each variant names the file at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The operator has to make the file readable, or the folder writable.
    #[error("cannot use {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The operator has to name a PEM file with the right content.
    #[error("no {what} in {path}: {reason}", path = path.display())]
    Pem {
        /// What was looked for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// One file of the pair is gone; a new pair would silently change the fingerprint in everybody's links.
    #[error("{found} exists but {missing} does not", found = found.display(), missing = missing.display())]
    Half {
        /// The file that is there.
        found: PathBuf,
        /// The file that is not.
        missing: PathBuf,
    },
    /// Others may have read the key; the operator has to make it private or a new one.
    #[error("{path} is readable by other users: mode {mode:03o}, expected 600", path = path.display())]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system gave no randomness or the library failed.
    #[error("cannot make a certificate: {0}")]
    Generate(#[from] rcgen::Error),
}

impl IdentityError {
    /// Returns what to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::File { .. } => "check the path, and who may read and write there",
            Self::Pem { .. } => "name a file with PEM sections, as an authority's client leaves them",
            Self::Half { .. } => "put the missing file back, or take both away: then there are new links",
            Self::Exposed { .. } => "make the key readable by its owner alone, or take both files away for new ones",
            Self::Generate(_) => "check the system's random source",
        }
    }
}

impl Identity {
    /// Makes a fresh key and a self-signed certificate that names nobody.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Generate`] if the system has no randomness.
    pub fn generate() -> Result<Self, IdentityError> {
        let (certificate, key) = make_pair()?;
        Ok(Self::from_parts(certificate.der().clone(), key.serialize_der()))
    }

    /// Takes a certificate in DER and its key in PKCS#8.
    pub(crate) fn from_parts(certificate: CertificateDer<'static>, key: Vec<u8>) -> Self {
        Self { chain: vec![certificate], key: PrivateKeyDer::Pkcs8(key.into()) }
    }

    /// Loads the identity kept in `folder`, or makes one and keeps it there.
    ///
    /// A relay that does this has the same fingerprint after a restart, so links that pin it stay good.
    ///
    /// # Errors
    ///
    /// [`IdentityError`] if one file of the pair is missing or unusable, or the key is readable by others.
    pub fn open(folder: &Path) -> Result<Self, IdentityError> {
        let (certificate, key) = (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE));
        match (certificate.exists(), key.exists()) {
            (true, true) => {
                check_private(&key)?;
                Self::from_pem(&certificate, &key)
            }
            (false, false) => {
                fs::create_dir_all(folder).map_err(at(folder))?;
                let (made, pair) = make_pair()?;
                // The key first: a certificate without its key would be in the way of the next attempt.
                write_private(&key, &pair.serialize_pem())?;
                fs::write(&certificate, made.pem()).map_err(at(&certificate))?;
                Self::from_pem(&certificate, &key)
            }
            (true, false) => Err(IdentityError::Half { found: certificate, missing: key }),
            (false, true) => Err(IdentityError::Half { found: key, missing: certificate }),
        }
    }

    /// Loads the PEM files that a certificate authority's client left, end-entity certificate first.
    ///
    /// # Errors
    ///
    /// [`IdentityError::File`] or [`IdentityError::Pem`], naming the file.
    pub fn from_pem(certificates: &Path, key: &Path) -> Result<Self, IdentityError> {
        let not_pem = |what, path: &Path, reason: String| IdentityError::Pem { what, path: path.to_owned(), reason };
        let text = fs::read(certificates).map_err(at(certificates))?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
            .collect::<Result<_, _>>()
            .map_err(|error| not_pem("certificate", certificates, error.to_string()))?;
        if chain.is_empty() {
            return Err(not_pem("certificate", certificates, "no PEM section of that kind".to_owned()));
        }
        let text = fs::read(key).map_err(at(key))?;
        let key =
            PrivateKeyDer::from_pem_slice(&text).map_err(|error| not_pem("private key", key, error.to_string()))?;
        Ok(Self { chain, key })
    }

    /// Returns the SHA-256 of the end-entity certificate, as it stands in links.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        fingerprint(self.certificate_der())
    }

    /// Returns the end-entity certificate.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        // No constructor lets an empty chain pass.
        self.chain.first().map_or(&[], |certificate| certificate)
    }

    /// Derives a secret from the key: the same as long as the identity is. `context` says what for.
    pub(crate) fn derive(&self, context: &str) -> [u8; 32] {
        blake3::derive_key(context, self.key.secret_der())
    }

    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    pub(super) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.chain.len())
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> IdentityError {
    let path = path.to_owned();
    move |source| IdentityError::File { path, source }
}

/// P-256: browsers take no certificate of Ed25519, not even with a warning that can be passed.
fn make_pair() -> Result<(rcgen::Certificate, rcgen::KeyPair), rcgen::Error> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    Ok((nameless()?.self_signed(&key)?, key))
}

/// Makes what browsers take by its hash: ECDSA P-256, valid from `from` to `until`.
#[cfg(feature = "web")]
pub(super) fn make_browser_pair(from: SystemTime, until: SystemTime) -> Result<Identity, IdentityError> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = nameless()?;
    let date = |time: SystemTime| {
        rcgen::date_time_ymd(1970, 1, 1) + time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    };
    (params.not_before, params.not_after) = (date(from), date(until));
    Ok(Identity::from_parts(params.self_signed(&key)?.der().clone(), key.serialize_der()))
}

fn nameless() -> Result<rcgen::CertificateParams, rcgen::Error> {
    let mut params = rcgen::CertificateParams::new(vec![CERTIFICATE_NAME.to_owned()])?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, CERTIFICATE_NAME);
    Ok(params)
}

fn write_private(path: &Path, text: &str) -> Result<(), IdentityError> {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(at(path))?;
    file.write_all(text.as_bytes()).map_err(at(path))
}

#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), IdentityError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(at(path))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(IdentityError::Exposed { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_private(_path: &Path) -> Result<(), IdentityError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Links pin the fingerprint: a restart must not change it.
    #[test]
    fn opened_again_it_is_the_same() {
        let folder = Folder::new("again");
        let first = Identity::open(&folder.0).unwrap();
        let second = Identity::open(&folder.0).unwrap();
        assert_eq!(first.fingerprint(), second.fingerprint());
        assert_ne!(first.fingerprint(), Identity::generate().unwrap().fingerprint());
    }

    /// Making a new pair in place of a lost half would break every link in silence.
    #[test]
    fn lost_half_is_reported_not_replaced() {
        let folder = Folder::new("half");
        Identity::open(&folder.0).unwrap();
        fs::remove_file(folder.0.join(CERTIFICATE_FILE)).unwrap();
        let error = Identity::open(&folder.0).unwrap_err();
        assert!(
            matches!(&error, IdentityError::Half { missing, .. } if missing.ends_with(CERTIFICATE_FILE)),
            "{error}"
        );
    }

    /// Whoever reads the key can pose as the relay.
    #[cfg(unix)]
    #[test]
    fn key_is_private_and_refused_when_it_is_not() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("mode");
        Identity::open(&folder.0).unwrap();
        let key = folder.0.join(KEY_FILE);
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);

        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Identity::open(&folder.0).unwrap_err();
        assert!(matches!(error, IdentityError::Exposed { mode: 0o640, .. }), "{error}");
    }

    /// An operator who swaps the two files is told which one holds what is missing.
    #[test]
    fn swapped_files_are_named() {
        let folder = Folder::new("swapped");
        Identity::open(&folder.0).unwrap();
        let (certificate, key) = (folder.0.join(CERTIFICATE_FILE), folder.0.join(KEY_FILE));
        let error = Identity::from_pem(&key, &certificate).unwrap_err();
        assert!(matches!(&error, IdentityError::Pem { what: "certificate", path, .. } if *path == key), "{error}");
        assert!(Identity::from_pem(&certificate, &folder.0.join("none.pem")).is_err());
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("cahoots-identity-{name}-{}", std::process::id())))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
