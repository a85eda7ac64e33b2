//! Why a download failed.

/// Why a download failed.
pub enum Failure {
    /// Another attempt may succeed.
    Transient(anyhow::Error),
    /// Another attempt would fail too.
    Permanent(anyhow::Error),
}

impl Failure {
    pub fn into_error(self) -> anyhow::Error {
        match self {
            Self::Transient(error) | Self::Permanent(error) => error,
        }
    }

    pub fn context(self, context: String) -> Self {
        match self {
            Self::Transient(error) => Self::Transient(error.context(context)),
            Self::Permanent(error) => Self::Permanent(error.context(context)),
        }
    }
}
