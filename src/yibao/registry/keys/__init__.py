"""Keys of senders (发送方密钥): secrets, SM2 key pairs, SM4 keys, their rotation and revocation."""
