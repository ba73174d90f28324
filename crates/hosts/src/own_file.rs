//! Files of ours that an agent reads: named by their content, written whole, for their owner alone.

use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest, Sha256};

use crate::overlay::File;
use crate::setup::disk;

/// Where a file will be, and what it holds.
#[derive(Debug)]
pub(crate) struct OwnFile {
    pub(crate) path: PathBuf,
    pub(crate) content: String,
}

impl OwnFile {
    pub(crate) fn of(file: File, directory: &Path) -> Self {
        let sum = Sha256::digest(file.content.as_bytes());
        let sum: String = sum.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let (stem, extension) = file.name.split_once('.').unwrap_or((file.name, "txt"));
        Self { path: directory.join(format!("{stem}-{sum}.{extension}")), content: file.content }
    }

    /// Puts it there, unless it is there as it should be.
    pub(crate) fn write(&self) -> io::Result<()> {
        if fs::read(&self.path).is_ok_and(|there| there == self.content.as_bytes()) {
            return Ok(());
        }
        disk::write_private(&self.path, &self.content)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::overlay::ToldBy;

    fn file(content: &str, directory: &Path) -> OwnFile {
        OwnFile::of(File { name: "pi.ts", content: content.to_owned(), told_by: ToldBy::Option("-e") }, directory)
    }

    #[test]
    fn another_content_is_another_file_and_a_changed_one_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("agents");
        let (one, two) = (file("1", &below), file("2", &below));
        assert_ne!(one.path, two.path);
        one.write().unwrap();
        fs::write(&one.path, "changed").unwrap();
        one.write().unwrap();
        assert_eq!(fs::read_to_string(&one.path).unwrap(), "1");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&one.path), mode(&below)), (0o600, 0o700));
        assert_eq!(fs::read_dir(&below).unwrap().count(), 1);
    }
}
