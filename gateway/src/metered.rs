//! A stream that counts what is read from it, and delivers it late if it is to.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use prometheus_client::metrics::counter::Counter;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
};

use crate::lag::{Lag, Line};

/// A stream that counts what is read from it, while it is read: a session may last for weeks.
pub(crate) struct Metered<'a> {
    stream: TcpStream,
    read: Counter,
    lag: Lag,
    /// What is on its way, while the stream is late.
    line: Option<Box<Line>>,
    /// Whom to tell of the end of what can be read.
    ended: Option<&'a Notify>,
}

impl<'a> Metered<'a> {
    pub(crate) const fn new(
        stream: TcpStream,
        read: Counter,
        lag: Lag,
        ended: Option<&'a Notify>,
    ) -> Self {
        Self { stream, read, lag, line: None, ended }
    }

    fn poll_read_late(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = &self.read;
        let line = self.line.get_or_insert_with(|| Box::new(Line::new(self.lag.clone())));
        let polled = line.poll_read(&mut self.stream, context, buffer, |bytes| {
            read.inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
        });
        if self.lag.is_none() && line.is_idle() {
            self.line = None;
        }
        polled
    }

    fn poll_read_now(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let bytes = buffer.filled().len() - before;
        if bytes > 0 {
            self.read.inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
        polled
    }
}

impl AsyncRead for Metered<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = if self.line.is_some() || !self.lag.is_none() {
            self.poll_read_late(context, buffer)
        } else {
            self.poll_read_now(context, buffer)
        };
        if matches!(polled, Poll::Ready(Ok(())))
            && buffer.filled().len() == before
            && let Some(ended) = self.ended
        {
            ended.notify_one();
        }
        polled
    }
}

impl AsyncWrite for Metered<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
