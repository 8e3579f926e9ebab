//! Groups of users.

use brokerd_domain::identity::{
    Group, GroupId, GroupName, IamError, MAX_GROUPS, MAX_GROUPS_PER_USER, Path, UserName,
};
use brokerd_store::{GroupMemberOutcome, IdentityName};

use super::{
    call::{Answer, Call, Resource},
    page::{Page, write_end},
    users::{created, deleted, renamed},
    views,
};
use crate::query::Output;

pub(super) async fn answer(operation: &str, call: Call<'_>) -> Answer {
    match operation {
        "CreateGroup" => create(call).await,
        "GetGroup" => get(call).await,
        "ListGroups" => list(call).await,
        "UpdateGroup" => update(call).await,
        "AddUserToGroup" => member(call, true).await,
        "RemoveUserFromGroup" => member(call, false).await,
        "ListGroupsForUser" => of_user(call).await,
        _ => delete(call).await,
    }
}

async fn create(call: Call<'_>) -> Answer {
    let name = GroupName::parse(call.parameters.required("GroupName")?)?;
    let path = Path::parse(call.parameters.text("Path"))?;
    let arn = format!("arn:aws:iam::{}:group{path}{name}", call.account());
    let permit = call.permit(&Resource::named(arn))?;
    let group = Group {
        id: GroupId::generate(permit.entropy),
        account: permit.account.clone(),
        path,
        name,
        created: permit.now,
    };
    let outcome = permit.store.create_iam_group(&group).await?;
    created(outcome, "Group", group.name.as_str(), "GroupsPerAccount", MAX_GROUPS, || None)?;
    Ok(Output::of(|xml| xml.element("Group", |xml| views::group(xml, &group))))
}

async fn get(call: Call<'_>) -> Answer {
    let page = Page::of(call.parameters)?;
    let (permit, group) = call.group().await?;
    let users = permit.store.group_members(&group, page.query()).await?;
    Ok(Output::of(|xml| {
        xml.element("Group", |xml| views::group(xml, &group));
        xml.list("Users", &users.items, views::listed_user);
        write_end(xml, users.next.as_deref());
    }))
}

async fn list(call: Call<'_>) -> Answer {
    let page = Page::of(call.parameters)?;
    let arn = format!("arn:aws:iam::{}:group{}", call.account(), page.path_prefix());
    let permit = call.permit(&Resource::named(arn))?;
    let groups = permit.store.iam_groups(permit.account, page.query()).await?;
    Ok(Output::of(|xml| {
        xml.list("Groups", &groups.items, views::group);
        write_end(xml, groups.next.as_deref());
    }))
}

async fn update(call: Call<'_>) -> Answer {
    let (_, group) = call.group().await?;
    let new_name = call.parameters.text("NewGroupName").map(GroupName::parse).transpose()?;
    let new_path =
        call.parameters.text("NewPath").map(|path| Path::parse(Some(path))).transpose()?;
    // Who may change a group must not be able to make of it one that it may not change.
    let target = Group {
        name: new_name.clone().unwrap_or_else(|| group.name.clone()),
        path: new_path.clone().unwrap_or_else(|| group.path.clone()),
        ..group.clone()
    };
    let permit = call.permit(&Resource::named(target.arn().to_string()))?;
    let name = IdentityName::Group(group.name.clone());
    let new = new_name.as_ref().map(GroupName::as_str);
    let outcome =
        permit.store.rename_identity(permit.account, &name, new, new_path.as_ref()).await?;
    renamed(outcome, "group", group.name.as_str(), "Group", target.name.as_str())?;
    Ok(Output::Nothing)
}

async fn delete(call: Call<'_>) -> Answer {
    let (permit, group) = call.group().await?;
    let name = IdentityName::Group(group.name);
    deleted(permit.store.delete_identity(permit.account, &name).await?, &name)?;
    Ok(Output::Nothing)
}

async fn member(call: Call<'_>, is_wanted: bool) -> Answer {
    let user = UserName::parse(call.parameters.required("UserName")?)?;
    let (permit, group) = call.group().await?;
    let outcome = if is_wanted {
        permit.store.add_group_member(permit.account, &group.name, &user).await?
    } else {
        permit.store.remove_group_member(permit.account, &group.name, &user).await?
    };
    match outcome {
        GroupMemberOutcome::Done => Ok(Output::Nothing),
        GroupMemberOutcome::NoGroup => {
            Err(IamError::no_such_entity("group", group.name.as_str()).into())
        }
        GroupMemberOutcome::NoUser => Err(IamError::no_such_entity("user", user.as_str()).into()),
        GroupMemberOutcome::TooMany => {
            Err(IamError::limit("GroupsPerUser", MAX_GROUPS_PER_USER).into())
        }
    }
}

async fn of_user(call: Call<'_>) -> Answer {
    let page = Page::of(call.parameters)?;
    let (permit, user) = call.user().await?;
    let groups = permit.store.groups_of_user(&user).await?;
    let (groups, next) = page.cut(groups, |group| group.name.to_string());
    Ok(Output::of(|xml| {
        xml.list("Groups", &groups, views::group);
        write_end(xml, next.as_deref());
    }))
}
