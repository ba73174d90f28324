//! Responses that were stored, so that a later request can go on from them: known only to the account that made them.

use std::sync::Arc;

use serde_json::Value;

use crate::grants::AccountIndex;
use crate::remembered::Remembered;

/// More than this are not remembered.
const MEMORY: usize = 10_000;

/// See the module.
pub(crate) struct Kept(Remembered<String, (AccountIndex, Arc<[Value]>)>);

impl Default for Kept {
    fn default() -> Self {
        Self(Remembered::new(MEMORY))
    }
}

impl Kept {
    /// All items of the conversation up to and with this response.
    pub(crate) fn keep(&mut self, account: AccountIndex, id: &str, items: Vec<Value>) {
        self.0.insert(id.to_owned(), (account, items.into()));
    }

    /// What was said up to this response, if this account made it.
    pub(crate) fn find(&self, account: AccountIndex, id: &str) -> Option<Arc<[Value]>> {
        let (owner, items) = self.0.get(id)?;
        (*owner == account).then(|| Arc::clone(items))
    }
}
