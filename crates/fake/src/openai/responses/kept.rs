//! Responses that were stored, so that a later request can go on from them: known only to the account that made them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use crate::grants::AccountIndex;

/// More than this are not remembered; the oldest go first.
const MEMORY: usize = 10_000;

/// See the module.
#[derive(Default)]
pub(crate) struct Kept {
    responses: HashMap<String, (AccountIndex, Arc<[Value]>)>,
    order: VecDeque<String>,
}

impl Kept {
    /// All items of the conversation up to and with this response.
    pub(crate) fn keep(&mut self, account: AccountIndex, id: &str, items: Vec<Value>) {
        self.responses.insert(id.to_owned(), (account, items.into()));
        self.order.push_back(id.to_owned());
        if self.order.len() > MEMORY
            && let Some(oldest) = self.order.pop_front()
        {
            self.responses.remove(&oldest);
        }
    }

    /// What was said up to this response, if this account made it.
    pub(crate) fn find(&self, account: AccountIndex, id: &str) -> Option<Arc<[Value]>> {
        let (owner, items) = self.responses.get(id)?;
        (*owner == account).then(|| Arc::clone(items))
    }
}
