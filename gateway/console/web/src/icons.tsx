const Icon = ({ d }: { d: string }) => (
  <svg viewBox="0 0 24 24" width="1em" height="1em" fill="none" stroke="currentColor" strokeWidth="1.7" aria-hidden="true">
    <path d={d} strokeLinecap="round" strokeLinejoin="round" />
  </svg>
);

export const PauseIcon = () => <Icon d="M9 6v12M15 6v12" />;
export const PlayIcon = () => <Icon d="M8 5.500v13l10-6.500z" />;
export const SoundIcon = () => <Icon d="M4 10v4h3l5 4V6l-5 4zM16 9a4 4 0 0 1 0 6M18.500 6.500a8 8 0 0 1 0 11" />;
export const MutedIcon = () => <Icon d="M4 10v4h3l5 4V6l-5 4zM16 9.500l5 5M21 9.500l-5 5" />;
export const CloseIcon = () => <Icon d="M6 6l12 12M18 6L6 18" />;

export const BillingIcon = () => <Icon d="M6 3h12v18l-3-2-3 2-3-2-3 2zM9.500 8h5M9.500 12h5" />;
export const PreviewIcon = () => <Icon d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM10 8.500v7l6-3.500z" />;
export const CreateIcon = () => <Icon d="M4 8a4 4 0 0 1 4-4h8a4 4 0 0 1 4 4v8a4 4 0 0 1-4 4H8a4 4 0 0 1-4-4zM12 8v8M8 12h8" />;
export const AccountsIcon = () => <Icon d="M9 5a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM3 19c.600-3 3-4.700 6-4.700s5.400 1.700 6 4.700M18 8v6M15 11h6" />;
export const ExamplesIcon = () => <Icon d="M5 4h9l5 5v11H5zM14 4v5h5M8.500 13h7M8.500 16.500h5" />;
export const CurlIcon = () => <Icon d="M4 5h16v14H4zM7.500 9l3 3-3 3M12.500 15h4" />;
export const FetchIcon = () => <Icon d="M9 4c-3 0-3 1.500-3 4s0 4-2.500 4c2.500 0 2.500 1.500 2.500 4s0 4 3 4M15 4c3 0 3 1.500 3 4s0 4 2.500 4c-2.500 0-2.500 1.500-2.500 4s0 4-3 4" />;
export const DoneIcon = () => <Icon d="M5 12.500l4.500 4.500L19 7.500" />;
export const LockIcon = () => <Icon d="M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3" />;
export const MissingIcon = () => <Icon d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.700.400-1 .900-1 1.700M12 16.500v.200" />;
export const HandleIcon = () => <Icon d="M9 6v.200M15 6v.200M9 12v.200M15 12v.200M9 18v.200M15 18v.200" />;
export const PersonIcon = () => <Icon d="M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.500 20c.800-3.500 3.800-5.500 7.500-5.500s6.700 2 7.500 5.500" />;
export const HashtagIcon = () => <Icon d="M9.500 4l-2 16M16.500 4l-2 16M5 9h15M4 15h15" />;
export const LocationIcon = () => <Icon d="M12 21c4-4.500 6.500-7.800 6.500-11a6.500 6.500 0 0 0-13 0c0 3.200 2.500 6.500 6.500 11zM12 7.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z" />;
export const PhotoIcon = () => <Icon d="M4 5h16v14H4zM4 16l5-5 4 4 2.500-2.500L20 17M15.500 8.500v.200" />;
export const VideoIcon = () => <Icon d="M4 6h11v12H4zM15 10.500l5-3v9l-5-3" />;
export const AlbumIcon = () => <Icon d="M4 8h12v12H4zM8 8V4h12v12h-4" />;
export const PinIcon = () => <Icon d="M9 4h6l-.700 6 3.200 3.500H6.500L9.700 10zM12 13.500V20" />;
export const LikeIcon = () => <Icon d="M12 20C7 16 4 13 4 9.500A4 4 0 0 1 12 8a4 4 0 0 1 8 1.500C20 13 17 16 12 20z" />;
export const CommentIcon = () => <Icon d="M4 5h16v11h-8l-5 4v-4H4z" />;
