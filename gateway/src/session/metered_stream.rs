//! A stream that counts the bytes read from it, and delays them if its route has latency.

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

use super::latency::{DelayQueue, RouteLatency};

/// Counts bytes as they are read, because a session may last for weeks.
pub(crate) struct MeteredStream<'a> {
    stream: TcpStream,
    read: Counter,
    latency: RouteLatency,
    /// The bytes that are delayed now.
    queue: Option<Box<DelayQueue>>,
    /// Notified at the end of the stream.
    ended: Option<&'a Notify>,
}

impl<'a> MeteredStream<'a> {
    pub(crate) const fn new(
        stream: TcpStream,
        read: Counter,
        latency: RouteLatency,
        ended: Option<&'a Notify>,
    ) -> Self {
        Self { stream, read, latency, queue: None, ended }
    }

    fn poll_read_delayed(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = &self.read;
        let queue =
            self.queue.get_or_insert_with(|| Box::new(DelayQueue::new(self.latency.clone())));
        let polled = queue.poll_read(&mut self.stream, context, buffer, |bytes| {
            read.inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
        });
        if self.latency.is_none() && queue.is_idle() {
            self.queue = None;
        }
        polled
    }

    fn poll_read_direct(
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

impl AsyncRead for MeteredStream<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = if self.queue.is_some() || !self.latency.is_none() {
            self.poll_read_delayed(context, buffer)
        } else {
            self.poll_read_direct(context, buffer)
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

impl AsyncWrite for MeteredStream<'_> {
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
