//! `remuda pool`.

use remuda_control::types::{Empty, PoolChange, PoolCreate, PoolRef};
use remuda_control::verb::{ChangePool, CreatePool, ListPools, RemovePool};

use super::{Context, OK};
use crate::cli::PoolCommand;
use crate::view;

pub(super) async fn pool(context: &Context, command: Option<PoolCommand>) -> anyhow::Result<u8> {
    match command.unwrap_or(PoolCommand::List) {
        PoolCommand::List => context.show::<ListPools>(Empty {}, view::pools).await,
        PoolCommand::Create { pool, members, strategy } => {
            let create = PoolCreate { pool, members, strategy: strategy.into() };
            context.show::<CreatePool>(create, view::pool).await
        }
        PoolCommand::Edit { pool, members, add, remove, strategy } => {
            let members = (!members.is_empty()).then_some(members);
            let change = PoolChange { pool, members, add, remove, strategy: strategy.map(Into::into) };
            context.show::<ChangePool>(change, view::pool).await
        }
        PoolCommand::Remove { pool, yes } => {
            let question = format!("Delete the pool {pool}, also from the chains that name it?");
            let instead = format!("say so beforehand: remuda pool remove {} --yes", view::quoted(&pool));
            if !yes && !context.agreed(&question, &instead)? {
                context.out.note("Nothing was changed.");
                return Ok(OK);
            }
            context.show::<RemovePool>(PoolRef { pool }, view::pool_removed).await
        }
    }
}
